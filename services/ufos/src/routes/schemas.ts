import type { Schema } from './endpoint.ts'

// What answers look like, as JSON schemas: for the OpenAPI document, and for the tests that hold every answer against it.

export const whole: Schema = { type: 'integer', minimum: 0 }
export const text: Schema = { type: 'string' }
export const time: Schema = { type: 'string', format: 'date-time' }
export const cursor: Schema = { type: ['string', 'null'] }

export function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

export function arrayOf(items: Schema): Schema {
  return { type: 'array', items }
}

const counted = { creates: whole, updates: whole, deletes: whole, dids_estimate: whole }
const seen = { first_seen: time, last_seen: time }

export const counts = object(counted)
export const nsidCounts = object({ nsid: text, ...counted, ...seen })
export const child: Schema = {
  oneOf: [
    object({ type: { const: 'collection' }, nsid: text, ...counted, ...seen }),
    object({ type: { const: 'prefix' }, prefix: text, ...counted, ...seen }),
  ],
}
export const match = object({
  nsid: text,
  ...counted,
  ...seen,
  highlight: arrayOf(object({ start: whole, end: whole })),
})
export const trend = object({
  nsid: text,
  ...counted,
  ...seen,
  before: counts,
  growth: { type: ['number', 'null'] },
  growth_at_least: { type: 'number' },
})
export const sample = object({
  did: text,
  collection: text,
  rkey: text,
  record: {},
  time_us: whole,
  cid: text,
  rev: text,
  is_update: { type: 'boolean' },
})
export const error = object({ error: text, message: text, request_id: text })
