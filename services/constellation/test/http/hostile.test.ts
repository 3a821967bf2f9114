import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { endpoints } from '../../src/routes/all.ts'
import { did, likes, put, subject } from '../../src/store/testing/test-index.ts'
import { getRaw, goodQuery } from './asked.ts'
import { browserAccept, serve, type Served } from './served.ts'

let served: Served
beforeAll(async () => {
  served = await serve({ resolveHandle: async handle => (handle.length % 2 === 0 ? did('a') : undefined) })
  await served.apply(
    ...['a1', 'b1', 'c1'].map(name => put(name, [subject, { path: '.list', target: 'a:b' }])),
  )
})
afterAll(() => served[Symbol.asyncDispose]())

const names = [...new Set(endpoints.flatMap(({ params }) => params.map(({ name }) => name)))]
/** Values that mean something somewhere, and what is next to them. */
const known = [
  subject,
  likes.collection,
  likes.path,
  'app.bsky.feed.like:subject.uri',
  'list',
  did('a'),
  `at://${did('a')}/app.bsky.feed.like/3k`,
  'at://alice.example/a.b.c/d',
  '1',
  '1000',
  '0',
  'true',
  '2026-01-01T00:00:00Z',
  'd1',
  'd20000000000000101',
  '',
  'a:b',
  '-1',
  'NaN',
  '__proto__',
]
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...known) },
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.webUrl(),
  fc.stringMatching(/^[0-9a-f]{0,40}$/),
  fc.nat(10_000).map(length => 'x'.repeat(length)),
)
const query = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 10 })
const accept = fc.oneof(fc.constantFrom('*/*', browserAccept), fc.stringMatching(/^[a-z*/;=q.0-9, "]{0,30}$/))

it('answers any query with 200 or a 400 that says something', async () => {
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...endpoints.keys()),
      query,
      fc.boolean(),
      accept,
      async (index, pairs, complete, header) => {
        const endpoint = endpoints[index]!
        const params = new URLSearchParams(pairs.map(([name, text]) => [name, text.toWellFormed()]))
        // With what the endpoint requires, more gets past the door.
        if (complete) for (const [name, text] of goodQuery(endpoint)) params.set(name, text)
        await check(`${endpoint.path}?${params.toString()}`, header)
      },
    ),
    { numRuns: 600 },
  )
  expect(new Set(statuses.keys())).toEqual(new Set([200, 400]))
  expect(statuses.get(200)).toBeGreaterThan(50)

  async function check(path: string, header: string): Promise<void> {
    const signal = AbortSignal.timeout(10_000)
    const response = await fetch(served.url + path, { headers: { accept: header }, signal })
    const text = await response.text()
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
    expect([200, 400]).toContain(response.status)
    expect(text).toMatch(response.status === 200 ? /^[{<]/ : /Parameter \\?"\w+\\?" |Accept/)
    expect(served.errors).toEqual([])
  }
})

it('survives any bytes as an address, and does not hang on them', async () => {
  const paths = [
    ...endpoints.map(({ path }) => path),
    '/',
    '/links/counts',
    '/openapi',
    '/robots.txt',
    '/nowhere',
  ]
  const byte = fc.integer({ min: 0x21, max: 0xff }).map(code => String.fromCharCode(code))
  const piece = fc.oneof(
    byte,
    fc.constantFrom(...names.map(name => `&${name}=`), '%', '%ff', '%00', '&', '='),
  )
  const bytes = fc.array(piece, { maxLength: 60 }).map(pieces => pieces.join(''))
  const statuses = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.boolean(), bytes, async (path, isQuery, junk) => {
      const { status } = await getRaw(served.url, `${path}${isQuery ? '?' : ''}${junk}`, 'latin1')
      statuses.add(status)
      expect(status).toBeGreaterThanOrEqual(200)
      // 501 is XRPC's word for a method that is not there.
      expect(status < 500 || status === 501).toBe(true)
    }),
    { numRuns: 500 },
  )
  expect(statuses).toContain(200)
  expect(statuses).toContain(400)
  expect(served.errors).toEqual([])
})

it('answers any body with 200 or a 4xx', async () => {
  const pair = fc.record({ target: value, source: value }, { requiredKeys: [] })
  const body = fc.oneof(
    fc
      .record({ pairs: fc.oneof(fc.array(fc.oneof(pair, fc.json()), { maxLength: 5 }), fc.jsonValue()) })
      .map(one => JSON.stringify(one)),
    fc.json(),
    fc.string(),
  )
  await fc.assert(
    fc.asyncProperty(body, async text => {
      const response = await fetch(`${served.url}/links/counts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: text,
      })
      expect([200, 400]).toContain(response.status)
      const answer = (await response.json()) as { counts?: unknown[]; message?: string }
      expect(response.status === 200 ? typeof answer.counts : typeof answer.message).toMatch(/object|string/)
    }),
    { numRuns: 300 },
  )
  expect(served.errors).toEqual([])
})
