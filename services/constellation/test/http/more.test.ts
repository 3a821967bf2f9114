import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { did, hide, likes, put, recordKey, subject } from '../../src/store/testing/test-index.ts'
import { serve, type Served } from './served.ts'

const likesSource = 'app.bsky.feed.like:subject.uri'
const replies = { path: '.reply.root.uri', target: subject }
const posts = { collection: 'app.bsky.feed.post' }
const account = subject.slice('at://'.length, subject.indexOf('/app'))

let served: Served
beforeAll(async () => {
  served = await serve({
    resolveHandle: async handle => (handle === 'alice.example' ? account : undefined),
  })
  await served.apply(
    put('a1'),
    put('b1'),
    put('a2'),
    put('c1', [replies], posts),
    put('c2', [{ path: '.subject', target: account }], { collection: 'app.bsky.graph.follow' }),
    put('d1', [{ path: '.subject', target: account }], { collection: 'app.bsky.graph.block' }),
  )
})
afterAll(() => served[Symbol.asyncDispose]())

describe('GET /links/sources', () => {
  it('lists sources by count, page by page', async () => {
    const first = await served.json<{ cursor: string }>('/links/sources', { target: subject, limit: '1' })
    expect(first).toStrictEqual({
      target: subject,
      sources: [{ source: likesSource, records: 3, distinct: 2 }],
      cursor: first.cursor,
    })
    expect(
      await served.json('/links/sources', { target: subject, limit: '1', cursor: first.cursor }),
    ).toStrictEqual({
      target: subject,
      sources: [{ source: 'app.bsky.feed.post:reply.root.uri', records: 1, distinct: 1 }],
      cursor: null,
    })
  })

  it('leaves collections out', async () => {
    const params = { target: account, exclude: ['app.bsky.graph.block', 'a.b.c'] }
    expect(await served.json('/links/sources', params)).toMatchObject({
      sources: [{ source: 'app.bsky.graph.follow:subject', records: 1, distinct: 1 }],
    })
  })

  it('tells the target that it found', async () => {
    expect(await served.json('/links/sources', { target: subject.replace('at:', 'AT:') })).toMatchObject({
      target: subject,
    })
    expect(
      await served.json('/links/sources', {
        target: `at://Alice.example${subject.slice(`at://${account}`.length)}`,
      }),
    ).toMatchObject({ target: subject, sources: [{}, {}] })
    expect(await served.json('/links/sources', { target: 'at://bob.example' })).toStrictEqual({
      target: 'at://bob.example',
      sources: [],
      cursor: null,
    })
  })

  it.each([
    [{}, '"target" is missing'],
    [{ target: subject, exclude: 'likes' }, '"exclude" must be an NSID'],
    [
      { target: subject, exclude: Array.from({ length: 101 }, (_, i) => `a.b.c${i}`) },
      '"exclude" is given 101 times; at most 100',
    ],
    [{ target: subject, limit: '0' }, '"limit" must be from 1'],
    [{ target: subject, cursor: '00' }, '"cursor" is not one'],
  ])('refuses %.80j', async (params, message) => {
    expect(await served.refused('/links/sources', params)).toEqual({
      status: 400,
      message: expect.stringMatching(`^InvalidRequest: Parameter ${message}`) as string,
    })
  })

  it('refuses a cursor of another filter', async () => {
    const { cursor } = await served.json<{ cursor: string }>('/links/sources', {
      target: subject,
      limit: '1',
    })
    expect(
      await served.refused('/links/sources', { target: subject, exclude: 'a.b.c', cursor }),
    ).toMatchObject({ status: 400 })
  })
})

describe('GET /links/account', () => {
  interface Targets {
    targets: { target: string; source: string; records: number; distinct: number }[]
    cursor: string | null
  }

  it('lists what of an account is linked to, page by page, the sources of a target together', async () => {
    const first = await served.json<Targets>('/links/account', { did: account, limit: '3' })
    const second = await served.json<Targets>('/links/account', { did: account, cursor: first.cursor! })
    expect([first.targets.length, second.targets.length, second.cursor]).toEqual([3, 1, null])
    expect({ ...first, targets: [], cursor: null }).toStrictEqual({ did: account, targets: [], cursor: null })
    const all = [...first.targets, ...second.targets]
    expect(all).toHaveLength(4)
    expect(all).toEqual(
      expect.arrayContaining([
        { target: subject, source: likesSource, records: 3, distinct: 2 },
        { target: subject, source: 'app.bsky.feed.post:reply.root.uri', records: 1, distinct: 1 },
        { target: account, source: 'app.bsky.graph.block:subject', records: 1, distinct: 1 },
        { target: account, source: 'app.bsky.graph.follow:subject', records: 1, distinct: 1 },
      ]),
    )
    expect(all[0]!.target).toBe(all[1]!.target)
    expect(await served.refused('/links/account', { did: did('a'), cursor: first.cursor! })).toMatchObject({
      status: 400,
    })
  })

  it('refuses what is no DID', async () => {
    expect(await served.refused('/links/account', { did: 'alice.example' })).toMatchObject({
      status: 400,
      message: expect.stringContaining('"did" must be a DID') as string,
    })
    expect(await served.refused('/links/account')).toMatchObject({ status: 400 })
  })
})

describe('GET /links/forward', () => {
  const uriOf = (name: string): string => {
    const { did: of, collection, rkey } = recordKey(name)
    return `at://${of}/${collection}/${rkey}`
  }

  it('lists the links of a record', async () => {
    expect(await served.json('/links/forward', { uri: uriOf('a1') })).toStrictEqual({
      uri: uriOf('a1'),
      links: [{ path: likes.path, target: subject }],
    })
    expect(await served.json('/links/forward', { uri: `AT${uriOf('a1').slice(2)}/` })).toMatchObject({
      uri: uriOf('a1'),
      links: [{}],
    })
    expect(await served.json('/links/forward', { uri: uriOf('z1') })).toStrictEqual({
      uri: uriOf('z1'),
      links: [],
    })
  })

  it('shows nothing of hidden accounts', async () => {
    await using own = await serve()
    await own.apply(put('a1'), hide('a'))
    expect(await own.json('/links/forward', { uri: uriOf('a1') })).toMatchObject({ links: [] })
  })

  it('takes a handle where one can be resolved', async () => {
    const uri = `at://alice.example/${likes.collection}/3k`
    expect(await served.json('/links/forward', { uri })).toStrictEqual({
      uri: `at://${account}/${likes.collection}/3k`,
      links: [],
    })
    await using own = await serve()
    for (const [of, authority] of [
      [own, 'alice.example'],
      [served, 'bob.example'],
    ] as const) {
      expect(await of.refused('/links/forward', { uri: `at://${authority}/a.b.c/3k` })).toEqual({
        status: 400,
        message: `InvalidRequest: Parameter "uri" names its account by "${authority}", which cannot be resolved here; use its DID`,
      })
    }
  })

  it.each([
    undefined,
    '',
    'https://a.example/b/c',
    'did:plc:a',
    'at://did:plc:a',
    'at://did:plc:a/a.b.c',
    'at://did:plc:a/abc/3k',
    'at://did:plc:a/a.b.c/x/y',
    'at://did:plc:a/a.b.c/3k#x',
    'at://did:plc:a/a.b.c/3k?x',
    'at://did:plc:a/a.b.c/%20',
  ])('refuses %s', async uri => {
    expect(await served.refused('/links/forward', { uri })).toMatchObject({
      status: 400,
      message: expect.stringContaining('"uri"') as string,
    })
  })
})

describe('POST /links/counts', () => {
  const post = (body: unknown, type = 'application/json') => ({
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

  it('counts many pairs in their order', async () => {
    const odd = subject.replace('at:', 'AT:')
    const pairs = [
      { target: account, source: 'app.bsky.graph.follow:subject' },
      { target: odd, source: likesSource },
      { target: 'https://unknown.example', source: 'a.b.c:d' },
    ]
    const response = await served.fetch('/links/counts', {}, post({ pairs, more: 1 }))
    expect(response.status).toBe(200)
    expect(await response.json()).toStrictEqual({
      counts: [
        { ...pairs[0], records: 1, distinct: 1 },
        { ...pairs[1], records: 3, distinct: 2 },
        { ...pairs[2], records: 0, distinct: 0 },
      ],
    })
  })

  it('counts a hundred, and none', async () => {
    const pair = { target: subject, source: likesSource }
    const response = await served.fetch(
      '/links/counts',
      {},
      post({ pairs: Array.from({ length: 100 }, () => pair) }),
    )
    expect(((await response.json()) as { counts: unknown[] }).counts).toHaveLength(100)
    expect(await (await served.fetch('/links/counts', {}, post({ pairs: [] }))).json()).toEqual({
      counts: [],
    })
  })

  it.each([
    ['not JSON', '{', 400],
    ['nothing', '', 400],
    ['no list', { pairs: {} }, 400],
    ['too many', { pairs: Array.from({ length: 101 }, () => ({ target: 'a:b', source: 'a.b.c:d' })) }, 400],
    ['no source', { pairs: [{ target: 'a:b' }] }, 400],
    ['a source that is none', { pairs: [{ target: 'a:b', source: 'x' }] }, 400],
    ['an empty target', { pairs: [{ target: '', source: 'a.b.c:d' }] }, 400],
    ['a long target', { pairs: [{ target: 'x'.repeat(8193), source: 'a.b.c:d' }] }, 400],
    ['a hostile key', '{"__proto__":{},"pairs":[]}', 400],
    ['too much', JSON.stringify({ pairs: [], x: 'x'.repeat(2 ** 20) }), 413],
  ])('refuses %s', async (_what, body, status) => {
    const refused = await served.refused('/links/counts', {}, post(body))
    expect(refused.status).toBe(status)
    expect(refused.message).toMatch(/^(InvalidRequest|PayloadTooLarge): ./)
  })

  it('names the pair that is wrong', async () => {
    const pairs = [
      { target: 'a:b', source: 'a.b.c:d' },
      { target: 'a:b', source: 'x' },
    ]
    expect((await served.refused('/links/counts', {}, post({ pairs }))).message).toContain(
      '"pairs.1.source" must be',
    )
  })

  it('takes JSON only, and no GET', async () => {
    expect(await served.refused('/links/counts', {}, post('<a/>', 'application/xml'))).toMatchObject({
      status: 415,
    })
    const get = await served.fetch('/links/counts')
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
  })
})
