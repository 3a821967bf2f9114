import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpoints } from '../../src/routes/all.ts'
import type { Endpoint } from '../../src/routes/endpoint.ts'
import { did, likes, put, subject } from '../../src/store/testing/test-index.ts'
import { getRaw, good, goodQuery, sendRaw } from './asked.ts'
import { serve, type Served } from './served.ts'

let served: Served
beforeAll(async () => {
  served = await serve()
  const both = (name: string) => [
    { path: likes.path, target: subject },
    { path: '.list', target: `a:${name}` },
    { path: '.subject', target: did('a') },
  ]
  await served.apply(
    ...['a1', 'b1', 'c1'].map(name => put(name, both(name))),
    put(
      'd1',
      [
        { path: '.subject', target: subject },
        { path: '.subject', target: did('a') },
      ],
      { collection: 'a.b.c' },
    ),
  )
})
afterAll(() => served[Symbol.asyncDispose]())

const long = (length: number): string => 'x'.repeat(length)
const numbered = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const subjects = ['', long(8_193), `at://${long(8_192)}`, `https://a.example/${long(20_000)}`]
const times = ['yesterday', '-1', '1.5', '2026-13-01', '2026-01-01T00:00:00', '9'.repeat(30)]
const notDids = ['alice.example', 'did:', 'did:plc:', 'did:PLC:a', `did:plc:${long(2_048)}`, '😀']

/** What cannot be the value of a parameter, by its name; a list is the parameter repeated. */
const bad: Readonly<Record<string, readonly (string | string[])[]>> = {
  subject: subjects,
  target: subjects,
  uri: [...subjects, 'nothing', 'at://did:plc:a', 'at://did:plc:a/a.b.c', 'at://alice.example/a.b.c/3k'],
  source: [
    '',
    'app.bsky.feed.like',
    'like:subject',
    ':x',
    'a..b:x',
    'a.b.c :x',
    `a.b.c:${long(2_048)}`,
    long(20_000),
  ],
  collection: ['', 'like', 'a..b', 'a.b.c ', `a.b.${long(400)}`, '../../x'],
  path: [long(2_049)],
  pathToOther: [long(2_048)],
  did: [...notDids, numbered(1_001, 'did:plc:')],
  linkDid: [...notDids, numbered(1_001, 'did:plc:')],
  from_dids: [','.repeat(1_000)],
  otherSubject: [long(8_193), numbered(1_001, 'a:')],
  exclude: ['likes', 'a..b', numbered(101, 'a.b.c')],
  limit: ['', '0', '-1', '1.5', '1001', '1e3', '0x10', 'NaN', '９', ' 1', '9'.repeat(40)],
  reverse: ['', '1', 'True', 'yes'],
  since: times,
  until: times,
  cursor: ['zz', 'abc', '00', 'd1', '050003', 'd10000000000000101', 'ff'.repeat(4_000), '%'],
}

describe.each(endpoints.map(endpoint => [endpoint.path, endpoint] as const))('%s', (path, endpoint) => {
  const { params, errors } = endpoint

  /** Asks with one parameter replaced, and expects to be told so. */
  async function refuses(name: string, values: readonly string[]): Promise<string> {
    const query = goodQuery(endpoint)
    query.delete(name)
    for (const value of values) query.append(name, value)
    const response = await served.fetch(`${path}?${query.toString()}`)
    const text = await response.text()
    // In JSON the quotes are escaped.
    const [type, shape] =
      errors === 'json'
        ? ['application/json', `^{"error":"InvalidRequest","message":"Parameter ."${name}." .*}$`]
        : ['text/plain; charset=utf-8', `^Failed to deserialize query string: Parameter "${name}" `]
    expect([response.status, response.headers.get('content-type'), text]).toEqual([
      400,
      type,
      expect.stringMatching(shape),
    ])
    return text
  }

  it.each(params.map(({ name }) => name))('refuses every malformed %s and names it', async name => {
    const { kind, required } = params.find(param => param.name === name)!
    const one = good[name] ?? '1'
    const missing = required ? await refuses(name, []) : 'is missing'
    expect(missing).toContain('is missing')
    const twice = kind === 'list' ? 'is given more than once' : await refuses(name, [one, one])
    expect(twice).toContain('is given more than once')
    expect(bad[name]).not.toHaveLength(0)
    for (const values of bad[name]!) await refuses(name, [values].flat())
  })

  it('takes nothing amiss that is no parameter', async () => {
    for (const more of [
      'x=1',
      '=',
      '&&&',
      '%',
      '%ff=%ff',
      '__proto__=1',
      'constructor=1&constructor=2',
      'did[]=x',
    ]) {
      const address = `${path}?${goodQuery(endpoint).toString()}&${more}`
      expect([more, (await getRaw(served.url, address)).status]).toEqual([more, 200])
    }
  })

  it('answers bad escapes as what they stand for, or refuses them', async () => {
    for (const escape of ['%', '%2', '%zz', '%00', '%ff', '%c3%28', '%ED%A0%80', '%u0041', '%EF%BF%BF']) {
      for (const { name } of params) {
        const query = goodQuery(endpoint)
        query.delete(name)
        const { status } = await getRaw(served.url, `${path}?${query.toString()}&${name}=${escape}`)
        expect([name, escape, [200, 400].includes(status)]).toEqual([name, escape, true])
      }
    }
  })
})

describe('cursors', () => {
  /** The cursor of a first page of one. */
  async function cursorOf(endpoint: Endpoint): Promise<string> {
    const query = goodQuery(endpoint)
    query.set('limit', '1')
    const { cursor } = await served.json<{ cursor: string }>(`${endpoint.path}?${query.toString()}`)
    expect(cursor).toMatch(/^[0-9a-f]+$/)
    return cursor
  }

  it('of another endpoint, and damaged ones, are refused everywhere', async () => {
    const paged = endpoints.filter(({ params }) => params.some(({ name }) => name === 'cursor'))
    expect(paged).toHaveLength(8)
    // What two names of one list give is good under both.
    const listOf = (path: string): string =>
      ({ '/links': 'getBacklinks', '/links/distinct-dids': 'getBacklinkDids' })[path] ??
      path.split('.').at(-1)!
    for (const from of paged) {
      const cursor = await cursorOf(from)
      for (const to of paged) {
        const query = goodQuery(to)
        query.set('cursor', cursor)
        const { status, text } = await getRaw(served.url, `${to.path}?${query.toString()}`)
        const [expected, said] =
          listOf(from.path) === listOf(to.path)
            ? [200, '"cursor":null']
            : [400, 'comes from another endpoint']
        expect([from.path, to.path, status, text]).toEqual([
          from.path,
          to.path,
          expected,
          expect.stringContaining(said),
        ])
      }
      for (const damaged of [cursor.slice(0, -2), `${cursor}00`, `${cursor.slice(0, 14)}ff`]) {
        const query = goodQuery(from)
        query.set('cursor', damaged)
        const { status, text } = await getRaw(served.url, `${from.path}?${query.toString()}`)
        expect(status).toBe(400)
        expect(text).toMatch(/Parameter \\?"cursor\\?" is (damaged|not one)/)
      }
    }
  })
})

describe('filters that contradict', () => {
  it('are refused', async () => {
    const params = { ...good, from_dids: did('b') }
    expect(await served.refused('/links', params)).toMatchObject({
      status: 400,
      message: expect.stringContaining('"from_dids" cannot be combined with "did"') as string,
    })
  })
})

describe('an address', () => {
  it('of 10,000 DIDs is refused as too long, at once and with an answer', async () => {
    for (const name of ['did', 'linkDid']) {
      const dids = numbered(10_000, `${name}=did:plc:`).join('&')
      const { status, text } = await getRaw(served.url, `/xrpc/blue.microcosm.links.getBacklinks?${dids}`)
      expect(status).toBe(431)
      expect(text).toContain('The address and the headers of the request are too large')
    }
  })

  it.each<readonly [string, number]>([
    ['/links%2Fcount', 404],
    ['/links/count/', 404],
    ['//links/count', 404],
    ['/LINKS', 404],
    ['/links/%', 400],
    ['/%ff', 400],
    ['/xrpc/', 501],
    ['/xrpc/blue.microcosm.links.getbacklinks', 501],
    [`/xrpc/${long(3_000)}`, 501],
    ['/../links', 404],
    ['links', 400],
    ['http://a.example/links/all?target=a:b', 200],
    ['/links/all?target=a:b#x', 200],
    ['/links/all?target=a:b HTTP/1.0\r\nX: ', 200],
  ])('%j', async (address, status) => {
    expect([address, (await getRaw(served.url, address)).status]).toEqual([address, status])
  })

  it.each<readonly [string, string | Buffer]>([
    ['no HTTP', 'hello\r\n\r\n'],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex')],
    [
      'two lengths',
      'POST /links/counts HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    ],
    [
      'a length and chunks',
      'POST /links/counts HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx',
    ],
    [
      'a bad chunk',
      'POST /links/counts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ],
    ['a negative length', 'POST /links/counts HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n'],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'],
    ['too much header', `GET / HTTP/1.1\r\nHost: a\r\nX: ${long(70_000)}\r\n\r\n`],
  ])('of %s is a 4xx', async (_what, bytes) => {
    const { status, text } = await sendRaw(served.url, bytes)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(text).toMatch(/\{"error":"\w+","message":"[^"]+"\}$/)
  })
})

describe('POST /links/counts', () => {
  const pair = { target: subject, source: 'app.bsky.feed.like:subject.uri' }

  it.each<readonly [what: string, body: string | Buffer, status: number, message: string]>([
    ['no JSON', '{"pairs":[', 400, 'not JSON'],
    ['nothing', '', 400, 'empty'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe]), 400, 'not JSON'],
    ['null', 'null', 400, 'body'],
    ['a list', '[]', 400, 'body'],
    ['a text', '"x"', 400, 'body'],
    ['no pairs', '{}', 400, '"pairs"'],
    ['pairs that are none', '{"pairs":"x"}', 400, '"pairs"'],
    ['pairs of null', '{"pairs":[null]}', 400, '"pairs.0"'],
    [
      'a target that is a number',
      JSON.stringify({ pairs: [{ ...pair, target: 1 }] }),
      400,
      '"pairs.0.target"',
    ],
    ['no source', JSON.stringify({ pairs: [pair, { target: subject }] }), 400, '"pairs.1.source"'],
    ['a source that is none', JSON.stringify({ pairs: [{ ...pair, source: 'x' }] }), 400, '"pairs.0.source"'],
    ['an empty target', JSON.stringify({ pairs: [{ ...pair, target: '' }] }), 400, '"pairs.0.target"'],
    ['a long target', JSON.stringify({ pairs: [{ ...pair, target: long(8_193) }] }), 400, '"pairs.0.target"'],
    ['101 pairs', JSON.stringify({ pairs: Array.from({ length: 101 }, () => pair) }), 400, '"pairs"'],
    ['a hostile key', '{"__proto__":{"pairs":[]},"pairs":[]}', 400, 'not JSON'],
    ['depth', `{"pairs":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, '"pairs.0"'],
    ['two megabytes', JSON.stringify({ pairs: [], x: long(2 ** 21) }), 413, 'too large'],
  ])('refuses %s', async (_what, body, status, message) => {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: typeof body === 'string' ? body : new Uint8Array(body) }
    const refused = await served.refused('/links/counts', {}, init)
    expect(refused.status).toBe(status)
    expect(refused.message).toContain(message)
  })

  it.each([
    'application/xml',
    'text/html',
    'application/x-www-form-urlencoded',
    'application/json2',
    'foo',
    '',
  ])('refuses the content type %j', async type => {
    const init = {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify({ pairs: [pair] }),
    }
    const { status, message } = await served.refused('/links/counts', {}, init)
    expect([status, message]).toEqual([415, expect.stringContaining('content type')])
  })

  it('refuses more than it says', async () => {
    const body = '{"pairs":[]}'
    const head = (length: number): string =>
      `POST /links/counts HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
    expect((await sendRaw(served.url, head(2 ** 30) + body)).status).toBe(413)
    expect((await sendRaw(served.url, head(body.length) + body)).status).toBe(200)
  })
})

describe('after all that', () => {
  it('nothing failed, and everything still answers', async () => {
    for (const endpoint of endpoints) {
      const response = await served.fetch(`${endpoint.path}?${goodQuery(endpoint).toString()}`)
      expect([endpoint.path, response.status]).toEqual([endpoint.path, 200])
    }
    expect(served.errors).toEqual([])
  })
})
