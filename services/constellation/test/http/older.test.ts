import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { did, likes, nameOf, put, recordKey, remove, subject } from '../../src/store/testing/test-index.ts'
import type { RecordKey } from '../../src/store.ts'
import { serve, type Served } from './served.ts'

const asked = { target: subject, collection: likes.collection, path: likes.path }

let served: Served
beforeAll(async () => {
  served = await serve()
  await served.apply(
    put('a1'),
    put('b1'),
    put('a2'),
    put('c1', [{ path: '.reply.root.uri', target: subject }], { collection: 'app.bsky.feed.post' }),
    put('d1', [{ path: '.reply.parent.uri', target: subject }], { collection: 'app.bsky.feed.post' }),
    remove('d1', { collection: 'app.bsky.feed.post' }),
  )
})
afterAll(() => served[Symbol.asyncDispose]())

describe('the older routes', () => {
  it.each([
    ['/links/distinct-dids', asked, { total: 2, linking_dids: [did('b'), did('a')], cursor: null }],
    ['/links/count', asked, { total: 3 }],
    ['/links/count/distinct-dids', asked, { total: 2 }],
    [
      '/links/all',
      { target: subject },
      {
        links: {
          'app.bsky.feed.like': { '.subject.uri': { records: 3, distinct_dids: 2 } },
          'app.bsky.feed.post': {
            '.reply.root.uri': { records: 1, distinct_dids: 1 },
            '.reply.parent.uri': { records: 0, distinct_dids: 0 },
          },
        },
      },
    ],
    [
      '/links/all/count',
      { target: subject },
      {
        links: {
          'app.bsky.feed.like': { '.subject.uri': 3 },
          'app.bsky.feed.post': { '.reply.root.uri': 1, '.reply.parent.uri': 0 },
        },
      },
    ],
    ['/links/all', { target: 'at://unknown' }, { links: {} }],
    ['/links', { ...asked, path: 'subject.uri' }, { total: 0, linking_records: [], cursor: null }],
    ['/links/count', { ...asked, path: '' }, { total: 0 }],
    [
      '/links',
      { ...asked, did: [' ', did('b')] },
      { total: 1, linking_records: [recordKey('b1')], cursor: null },
    ],
    [
      '/links',
      { ...asked, from_dids: `${did('b')},` },
      { total: 1, linking_records: [recordKey('b1')], cursor: null },
    ],
    ['/links', { ...asked, from_dids: `x, ${did('b')}` }, { total: 0, linking_records: [], cursor: null }],
    [
      '/links',
      { ...asked, from_dids: did('b'), did: '' },
      { total: 1, linking_records: [recordKey('b1')], cursor: null },
    ],
  ])('%s %j', async (path, params, answer) => {
    expect(await served.json(path, params)).toStrictEqual(answer)
  })

  it('list newest first, page by page, whatever reverse says', async () => {
    interface Links {
      total: number
      linking_records: RecordKey[]
      cursor: string | null
    }
    const first = await served.json<Links>('/links', { ...asked, limit: '2', reverse: 'true' })
    expect(first.total).toBe(3)
    expect(first.linking_records.map(nameOf)).toEqual(['a2', 'b1'])
    const second = await served.json<Links>('/links', { ...asked, limit: '2', cursor: first.cursor! })
    expect(second).toStrictEqual({ total: 3, linking_records: [recordKey('a1')], cursor: null })
    // The same list by its newer name.
    const newer = { subject, source: 'app.bsky.feed.like:subject.uri', cursor: first.cursor! }
    expect(await served.json('/xrpc/blue.microcosm.links.getBacklinks', newer)).toMatchObject({
      records: [recordKey('a1')],
    })
  })

  it('hold text of others as plain keys', async () => {
    await using own = await serve()
    await own.apply(
      put(
        'a1',
        [
          { path: '.__proto__', target: subject },
          { path: '.1', target: subject },
        ],
        { collection: 'a.b.constructor' },
      ),
    )
    const text = await (await own.fetch('/links/all/count', { target: subject })).text()
    expect(text).toBe('{"links":{"a.b.constructor":{".__proto__":1,".1":1}}}')
  })

  it.each<[string, Record<string, string | string[] | undefined>, string]>([
    ['/links', { target: undefined }, '"target" is missing'],
    ['/links', { target: '' }, '"target" is empty'],
    ['/links', { collection: undefined }, '"collection" is missing'],
    ['/links', { collection: 'likes' }, '"collection" must be an NSID'],
    ['/links', { path: undefined }, '"path" is missing'],
    ['/links', { path: ['.a', '.a'] }, '"path" is given more than once'],
    ['/links', { limit: '0' }, '"limit" must be from 1 to 1000'],
    ['/links', { limit: '1001' }, '"limit" must be from 1 to 1000'],
    ['/links', { limit: 'x' }, '"limit" must be a whole number'],
    ['/links', { limit: '' }, '"limit" must be a whole number'],
    ['/links', { cursor: '030002' }, '"cursor" is not one that this server gave'],
    ['/links', { cursor: 'zz' }, '"cursor" must be the hex'],
    ['/links', { did: did('a'), from_dids: did('b') }, '"from_dids" cannot be combined'],
    ['/links', { from_dids: ','.repeat(1000) }, '"from_dids" is given 1001 times'],
    ['/links/distinct-dids', { cursor: '' }, '"cursor" must be the hex'],
    ['/links/count', { target: undefined }, '"target" is missing'],
    ['/links/count/distinct-dids', { path: undefined }, '"path" is missing'],
    ['/links/all', { target: undefined }, '"target" is missing'],
    ['/links/all/count', { target: ['a:b', 'a:c'] }, '"target" is given more than once'],
    ['/links/all/count', { target: 'x'.repeat(8193) }, '"target" has more than 8192 characters'],
  ])('refuse in plain text: %s %.80j', async (path, params, message) => {
    const response = await served.fetch(path, { ...asked, ...params })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const text = await response.text()
    expect(text).toMatch(/^Failed to deserialize query string: Parameter /)
    expect(text).toContain(message)
  })

  it('take an empty cursor for none where the first server did', async () => {
    expect(await served.json('/links', { ...asked, cursor: '' })).toMatchObject({ total: 3, cursor: null })
  })
})
