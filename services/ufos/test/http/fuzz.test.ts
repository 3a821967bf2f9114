import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { create, creates, remove, update } from '../../src/store/testing/helpers.ts'
import { nowHour, serve, type Served } from './served.ts'

// Everything is made of the OpenAPI document as it is served: paths, parameters, statuses and schemas.

interface Document {
  paths: Record<string, { get: Operation }>
}
interface Operation {
  parameters: { name: string; required: boolean; schema: { type: string; items?: object; enum?: string[] } }[]
  responses: Record<string, { content: { 'application/json': { schema: object } } }>
}

let served: Served
let operations: [path: string, operation: Operation][]
const validators = new Map<string, ValidateFunction>()
const found = { 200: 0, 400: 0, 404: 0 } as Record<number, number>

beforeAll(async () => {
  served = await serve()
  const names = ['app.bsky.feed.post', 'app.bsky.feed.like', 'app.bsky.x', 'a.b.c', 'a.b.c.d', 'a.b.c-d.e']
  for (const [i, nsid] of names.entries()) {
    await served.apply(...creates(nsid, 0, 40 * i + 3, nowHour - 20 * i), update(nsid, 1), remove(nsid, 2))
  }
  await served.apply(...creates('a.b.many', 0, 300, nowHour - 3), create('a.b.many', 1, { hour: nowHour }))
  const document = (await served.json('/openapi')) as Document
  operations = Object.entries(document.paths).map(([path, { get }]) => [path, get])
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': isTime } })
  for (const [path, { responses }] of operations) {
    for (const [status, { content }] of Object.entries(responses)) {
      validators.set(`${path} ${status}`, ajv.compile(content['application/json'].schema))
    }
  }
})
afterAll(() => served[Symbol.asyncDispose]())

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(text) && !Number.isNaN(Date.parse(text))
}

/** Values that mean something somewhere, and what is next to them. */
const known = [
  'app.bsky.feed.post',
  'app.bsky',
  'a.b.c',
  'a.b',
  'a.b.c,a.b.many',
  'never.seen.x',
  'a',
  'a.b.',
  '1',
  '0',
  '42',
  '200',
  '201',
  '3600',
  '3599',
  '86400',
  '604800',
  '999999999999999',
  'hour',
  'day',
  'week',
  'records-created',
  'dids-estimate',
  'records-updated',
  'feed post',
  'B.C',
  '',
  ' ',
  '-1',
  '1e3',
  'NaN',
  '__proto__',
  'constructor',
  'null',
  'YS5iLmMA',
  'Y29sbGVjdGlvbiBhLmIuYwA',
  '1970-01-01T00:00:00Z',
  '1969-12-31T23:00:00Z',
  '2025-07-24T23:30:00+05:30',
  '2025-08-30T00:00:00.123456Z',
  '2025-09-03T15:00:00Z',
  '9999-12-31T23:59:59Z',
  '2025-02-30T00:00:00Z',
]
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...known) },
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date('2025-09-05T00:00:00Z') })
    .map(date => date.toISOString()),
  fc.nat(5_000).map(String),
  fc.base64String({ maxLength: 40 }),
  fc.nat(3_000).map(length => 'x'.repeat(length)),
)

/** What an operation cannot do without, well-formed. */
const good: Readonly<Record<string, string>> = {
  collection: 'app.bsky.feed.post',
  prefix: 'app.bsky',
  q: 'post',
  nsid: 'app.bsky.feed.post',
}

/** Holds an answer against what the document tells of it, and answers its status. */
async function check(path: string, query: string): Promise<number> {
  const response = await fetch(`${served.url}${path}?${query}`, { signal: AbortSignal.timeout(20_000) })
  const text = await response.text()
  const validate = validators.get(`${path} ${response.status}`)
  expect(validate, `${path}?${query} ${response.status} ${text}`).toBeDefined()
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const isValid = validate!(JSON.parse(text))
  expect(isValid ? [] : validate!.errors, `${path}?${query} ${text.slice(0, 500)}`).toEqual([])
  found[response.status] = (found[response.status] ?? 0) + 1
  expect(served.errors).toEqual([])
  return response.status
}

it('answers any parameters with what the OpenAPI document says, and never with a 500', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(100),
      fc.array(fc.tuple(fc.nat(20), value), { maxLength: 5 }),
      fc.boolean(),
      async (index, pairs, isComplete) => {
        const [path, { parameters }] = operations[index % operations.length]!
        const query = new URLSearchParams()
        for (const [which, text] of pairs) {
          const name = parameters[which % (parameters.length + 1)]?.name ?? 'unknown'
          query.append(name, text.toWellFormed())
        }
        // With what is required, more gets past the door.
        if (isComplete)
          for (const { name, required } of parameters) if (required) query.set(name, good[name]!)
        await check(path, query.toString())
      },
    ),
    { numRuns: 1_500 },
  )
  expect(found[200]).toBeGreaterThan(150)
  expect(found[400]).toBeGreaterThan(150)
  expect(found[404]).toBeGreaterThan(0)
}, 120_000)

it('takes every value of every parameter alone', async () => {
  for (const [path, { parameters }] of operations) {
    const required = new URLSearchParams(
      parameters.filter(one => one.required).map(({ name }) => [name, good[name]!]),
    )
    expect(await check(path, required.toString())).toBe(path === '/lexicon' ? 404 : 200)
    for (const { name, schema } of parameters) {
      for (const text of [...known, ...(schema.enum ?? [])]) {
        const query = new URLSearchParams(required)
        query.set(name, text)
        await check(path, query.toString())
      }
    }
  }
}, 120_000)

it('answers bytes that are no query', async () => {
  const junk = fc.array(
    fc.constantFrom(
      '%',
      '%ff',
      '%00',
      '%zz',
      '&',
      '=',
      '+',
      '[]',
      '[0]',
      'since',
      'limit',
      'cursor',
      'é',
      '1',
    ),
    {
      maxLength: 20,
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(100), junk, async (index, pieces) => {
      const status = await check(operations[index % operations.length]![0], pieces.join(''))
      expect([200, 400, 404]).toContain(status)
    }),
    { numRuns: 300 },
  )
}, 60_000)
