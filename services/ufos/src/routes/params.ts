import { orderWords } from '../params/query.ts'
import type { Param } from './endpoint.ts'

// What the endpoints say of parameters that several of them have.

const aTime = { type: 'string', format: 'date-time' }

export function sinceParam(fallback: string): Param {
  return {
    name: 'since',
    summary: `From this time on, down to its hour: RFC 3339 with an offset. ${fallback}`,
    schema: aTime,
    example: '2026-01-01T00:00:00Z',
  }
}

export const untilParam: Param = {
  name: 'until',
  summary: 'Until this time, down to its hour, which is not in it. The last full hour if not given.',
  schema: aTime,
}

export const orderParam: Param = {
  name: 'order',
  summary: 'Most first. Not together with a cursor: such a list has one page.',
  schema: { type: 'string', enum: orderWords },
}

export const cursorParam: Param = {
  name: 'cursor',
  summary: 'Goes on behind the page that gave it; all else must stay as it was.',
  schema: { type: 'string' },
}

export function limitParam(max: number, summary: string): Param {
  return { name: 'limit', summary, schema: { type: 'integer', minimum: 1, maximum: max } }
}

export function collectionParam(summary: string, example = 'app.bsky.feed.post'): Param {
  return { name: 'collection', summary, schema: { type: 'string' }, example }
}
