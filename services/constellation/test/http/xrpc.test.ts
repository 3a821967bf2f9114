import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  did,
  drop,
  hide,
  likes,
  nameOf,
  put,
  recordKey,
  remove,
  show,
  startMs,
  subject,
} from '../../src/store/testing/test-index.ts'
import type { RecordKey } from '../../src/store.ts'
import { serve, type Served } from './served.ts'

const xrpc = (name: string): string => `/xrpc/blue.microcosm.links.${name}`
const source = 'app.bsky.feed.like:subject.uri'
const asked = { subject, source }

interface Backlinks {
  total: number
  records: RecordKey[]
  cursor: string | null
}

let served: Served
beforeAll(async () => {
  served = await serve()
  await served.apply(...['a1', 'b1', 'c1', 'd1', 'e1'].map(name => put(name)))
})
afterAll(() => served[Symbol.asyncDispose]())

/** The pages of a walk to the end, as names of records. */
async function walk(of: Served, params: Record<string, string | string[]>): Promise<string[]> {
  const pages: string[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page: Backlinks = await of.json(xrpc('getBacklinks'), {
      ...asked,
      ...params,
      ...(cursor ? { cursor } : {}),
    })
    pages.push(page.records.map(nameOf).join(' '))
    cursor = page.cursor
    if (pages.length > 20) throw new Error('the walk does not end')
  }
  return pages
}

describe('getBacklinks', () => {
  it('answers with the exact fields, newest first, 100 at most if not asked otherwise', async () => {
    expect(await served.json(xrpc('getBacklinks'), asked)).toStrictEqual({
      total: 5,
      records: ['e1', 'd1', 'c1', 'b1', 'a1'].map(name => recordKey(name)),
      cursor: null,
    })
    await using many = await serve()
    await many.apply(...Array.from({ length: 101 }, (_, i) => put(`a${i}`)))
    const page = await many.json<Backlinks>(xrpc('getBacklinks'), asked)
    expect(page.records).toHaveLength(100)
    expect(page.cursor).toMatch(/^(?:[0-9a-f]{2})+$/)
  })

  it.each([
    [{ limit: '2' }, ['e1 d1', 'c1 b1', 'a1']],
    [{ limit: '5' }, ['e1 d1 c1 b1 a1']],
    [{ limit: '6' }, ['e1 d1 c1 b1 a1']],
    [{ limit: '1000' }, ['e1 d1 c1 b1 a1']],
    [{ limit: '2', reverse: 'true' }, ['a1 b1', 'c1 d1', 'e1']],
    [{ limit: '1', reverse: 'true' }, ['a1', 'b1', 'c1', 'd1', 'e1']],
    [{ limit: '4', reverse: 'true' }, ['a1 b1 c1 d1', 'e1']],
    [{ limit: '2', reverse: 'false' }, ['e1 d1', 'c1 b1', 'a1']],
    [{ limit: '1', did: [did('b'), did('d'), did('x')] }, ['d1', 'b1']],
    [{ did: ['', ' '] }, ['e1 d1 c1 b1 a1']],
  ])('walks %j', async (params, pages) => {
    expect(await walk(served, params)).toEqual(pages)
  })

  it('walks on while links come and go, and hides hidden accounts but for the total', async () => {
    await using own = await serve()
    await own.apply(...['a1', 'b1', 'c1', 'd1', 'e1'].map(name => put(name)))
    const first = await own.json<Backlinks>(xrpc('getBacklinks'), { ...asked, limit: '2' })
    await own.apply(remove('b1'), put('f1'), hide('c'))
    const second = await own.json<Backlinks>(xrpc('getBacklinks'), {
      ...asked,
      limit: '2',
      cursor: first.cursor!,
    })
    expect(second).toMatchObject({ total: 5, cursor: null })
    expect(second.records.map(nameOf)).toEqual(['a1'])
    expect(await own.json(xrpc('getBacklinks'), { ...asked, did: did('c') })).toEqual({
      total: 0,
      records: [],
      cursor: null,
    })
    await own.apply(show('c'), drop('e'))
    expect(await walk(own, {})).toEqual(['f1 d1 c1 a1'])
  })

  it('counts what the filter lets through', async () => {
    const dids = Array.from({ length: 998 }, (_, i) => `did:plc:unknown${i}`)
    expect(
      await served.json(xrpc('getBacklinks'), { ...asked, did: [...dids, did('a'), did('e')] }),
    ).toMatchObject({
      total: 2,
      records: [recordKey('e1'), recordKey('a1')],
    })
    expect(await served.json(xrpc('getBacklinks'), { ...asked, did: 'did:plc:unknown' })).toEqual({
      total: 0,
      records: [],
      cursor: null,
    })
  })

  it('narrows by when links were taken in, and not the total', async () => {
    await using own = await serve()
    for (const name of ['a1', 'b1', 'c1']) await own.apply(put(name))
    const since = new Date(startMs + 2_000).toISOString()
    expect(await own.json(xrpc('getBacklinks'), { ...asked, since })).toMatchObject({
      total: 3,
      records: [recordKey('c1'), recordKey('b1')],
    })
    expect(await own.json(xrpc('getBacklinks'), { ...asked, until: String(startMs + 2_000) })).toMatchObject({
      records: [recordKey('a1')],
    })
    expect(await own.json(xrpc('getBacklinks'), { ...asked, since, until: since })).toMatchObject({
      total: 3,
      records: [],
    })
  })

  it('takes a cursor in upper case, with another limit, and an empty one for none', async () => {
    const { cursor } = await served.json<Backlinks>(xrpc('getBacklinks'), { ...asked, limit: '1' })
    const second = await served.json<Backlinks>(xrpc('getBacklinks'), {
      ...asked,
      limit: '3',
      cursor: cursor!.toUpperCase(),
    })
    expect(second.records.map(nameOf)).toEqual(['d1', 'c1', 'b1'])
    expect(await walk(served, { cursor: '' })).toEqual(['e1 d1 c1 b1 a1'])
  })

  it('finds a subject that is not normalised', async () => {
    const odd = subject.replace('at://', 'AT://')
    expect(await served.json(xrpc('getBacklinks'), { subject: odd, source })).toMatchObject({ total: 5 })
    const { cursor } = await served.json<Backlinks>(xrpc('getBacklinks'), {
      subject: odd,
      source,
      limit: '2',
    })
    expect(await served.json(xrpc('getBacklinks'), { ...asked, limit: '2', cursor: cursor! })).toMatchObject({
      records: [recordKey('c1'), recordKey('b1')],
    })
  })
})

describe('what is unknown', () => {
  it.each([
    ['getBacklinks', { total: 0, records: [], cursor: null }],
    ['getBacklinksCount', { total: 0 }],
    ['getBacklinkDids', { total: 0, linking_dids: [], cursor: null }],
    ['getManyToMany', { items: [], cursor: null }],
    ['getManyToManyCounts', { counts_by_other_subject: [], cursor: null }],
  ])('is nothing in %s', async (name, answer) => {
    for (const params of [
      { ...asked, subject: 'at://did:plc:nobody' },
      { ...asked, source: 'a.b.c:d' },
      { ...asked, subject: 'no link' },
    ]) {
      expect(await served.json(xrpc(name), { ...params, pathToOther: 'x' })).toStrictEqual(answer)
    }
  })
})

describe('getBacklinksCount', () => {
  it('counts, whatever other parameters say', async () => {
    expect(
      await served.json(xrpc('getBacklinksCount'), { ...asked, did: 'x', limit: '0', cursor: 'x' }),
    ).toStrictEqual({ total: 5 })
  })
})

describe('getBacklinkDids', () => {
  it('lists each account once, at its oldest link', async () => {
    await using own = await serve()
    await own.apply(...['a1', 'b1', 'a2', 'c1', 'b2'].map(name => put(name)))
    const first = await own.json<{ cursor: string }>(xrpc('getBacklinkDids'), { ...asked, limit: '2' })
    expect(first).toStrictEqual({ total: 3, linking_dids: [did('c'), did('b')], cursor: first.cursor })
    const second = await own.json(xrpc('getBacklinkDids'), { ...asked, limit: '2', cursor: first.cursor })
    expect(second).toStrictEqual({ total: 3, linking_dids: [did('a')], cursor: null })
  })
})

describe('joins', () => {
  const [x, y, z] = ['x', 'y', 'z'].map(name => `at://did:plc:lists/app.bsky.graph.list/${name}`) as [
    string,
    string,
    string,
  ]
  const joined = { ...asked, pathToOther: 'list' }
  const other = (target: string) => ({ path: '.list', target })
  const toSubject = { path: likes.path, target: subject }

  let own: Served
  beforeAll(async () => {
    own = await serve()
    await own.apply(
      put('a1', [toSubject, other(x), other(y)]),
      put('b1', [toSubject, other(x)]),
      put('a2', [toSubject, other(z)]),
      put('d1', [toSubject]),
    )
  })
  afterAll(() => own[Symbol.asyncDispose]())

  interface Join {
    items: { linkRecord: RecordKey; otherSubject: string }[]
    cursor: string | null
  }

  const pairs = ({ items }: Join): string[] =>
    items.map(item => `${nameOf(item.linkRecord)} ${item.otherSubject.at(-1)}`)

  it('pair records with what else they link to, oldest first', async () => {
    const first = await own.json<Join>(xrpc('getManyToMany'), { ...joined, limit: '2' })
    expect(first.items[0]).toStrictEqual({ linkRecord: recordKey('a1'), otherSubject: x })
    expect(pairs(first)).toEqual(['a1 x', 'a1 y'])
    const second = await own.json<Join>(xrpc('getManyToMany'), {
      ...joined,
      limit: '2',
      cursor: first.cursor!,
    })
    expect(pairs(second)).toEqual(['b1 x', 'a2 z'])
    expect(second.cursor).toBeNull()
  })

  it.each([
    [{ linkDid: did('a') }, ['a1 x', 'a1 y', 'a2 z']],
    [{ otherSubject: x }, ['a1 x', 'b1 x']],
    [{ otherSubject: ` ${x.replace('at:', 'AT:')} ` }, ['a1 x', 'b1 x']],
    [{ otherSubject: [y, z], linkDid: [did('a'), did('b')] }, ['a1 y', 'a2 z']],
    [{ linkDid: 'did:plc:unknown' }, []],
    [{ otherSubject: 'at://unknown' }, []],
    [{ did: did('b') }, ['a1 x', 'a1 y', 'b1 x', 'a2 z']],
  ])('are filtered by %j', async (params, expected) => {
    expect(pairs(await own.json<Join>(xrpc('getManyToMany'), { ...joined, ...params }))).toEqual(expected)
  })

  it('count by the other side, a record for its first alone', async () => {
    interface Groups {
      counts_by_other_subject: { subject: string; total: number; distinct: number }[]
      cursor: string | null
    }
    const first = await own.json<Groups>(xrpc('getManyToManyCounts'), { ...joined, limit: '1' })
    expect(first.counts_by_other_subject).toStrictEqual([{ subject: x, total: 2, distinct: 2 }])
    const second = await own.json<Groups>(xrpc('getManyToManyCounts'), {
      ...joined,
      limit: '1',
      cursor: first.cursor!,
    })
    expect(second).toStrictEqual({
      counts_by_other_subject: [{ subject: z, total: 1, distinct: 1 }],
      cursor: null,
    })
    expect(await own.json<Groups>(xrpc('getManyToManyCounts'), { ...joined, otherSubject: y })).toStrictEqual(
      {
        counts_by_other_subject: [{ subject: y, total: 1, distinct: 1 }],
        cursor: null,
      },
    )
    expect(await own.json<Groups>(xrpc('getManyToManyCounts'), { ...joined, did: did('b') })).toMatchObject({
      counts_by_other_subject: [{ subject: x, total: 1, distinct: 1 }],
    })
  })
})

describe('a request that cannot be', () => {
  it.each<[string, Record<string, string | string[] | undefined>, string]>([
    ['getBacklinks', { subject: undefined }, '"subject" is missing'],
    ['getBacklinks', { subject: '' }, '"subject" is empty'],
    ['getBacklinks', { subject: ['a:b', 'a:b'] }, '"subject" is given more than once'],
    ['getBacklinks', { subject: `at://${'a'.repeat(8192)}` }, '"subject" has more than 8192 characters'],
    ['getBacklinks', { source: undefined }, '"source" is missing'],
    ['getBacklinks', { source: 'app.bsky.feed.like' }, '"source" must be an NSID, a colon and a path'],
    ['getBacklinks', { source: 'likes:subject.uri' }, '"source" must be an NSID'],
    ['getBacklinks', { limit: '0' }, '"limit" must be from 1 to 1000'],
    ['getBacklinks', { limit: '1001' }, '"limit" must be from 1 to 1000'],
    ['getBacklinks', { limit: '' }, '"limit" must be a whole number'],
    ['getBacklinks', { limit: '-1' }, '"limit" must be a whole number'],
    ['getBacklinks', { limit: '99999999999999999999999' }, '"limit" must be from 1 to 1000'],
    ['getBacklinks', { reverse: '' }, '"reverse" must be true or false'],
    ['getBacklinks', { reverse: '1' }, '"reverse" must be true or false'],
    ['getBacklinks', { reverse: ['true', 'true'] }, '"reverse" is given more than once'],
    ['getBacklinks', { cursor: 'xyz' }, '"cursor" must be the hex'],
    ['getBacklinks', { cursor: '123' }, '"cursor" must be the hex'],
    ['getBacklinks', { cursor: '050003' }, '"cursor" is not one that this server gave'],
    ['getBacklinks', { since: 'noon' }, '"since" must be a time'],
    ['getBacklinks', { did: 'alice.example' }, '"did" must be a DID'],
    [
      'getBacklinks',
      { did: Array.from({ length: 1001 }, (_, i) => `did:plc:${i}`) },
      '"did" is given 1001 times; at most 1000',
    ],
    ['getBacklinksCount', { source: undefined }, '"source" is missing'],
    ['getBacklinkDids', { cursor: '' }, '"cursor" must be the hex'],
    ['getManyToMany', { pathToOther: undefined }, '"pathToOther" is missing'],
    ['getManyToMany', { limit: '0' }, '"limit" must be from 1 to 1000'],
    ['getManyToMany', { linkDid: 'x' }, '"linkDid" must be a DID'],
    [
      'getManyToMany',
      { otherSubject: Array.from({ length: 1001 }, (_, i) => `a:${i}`) },
      '"otherSubject" is given 1001 times',
    ],
    [
      'getManyToManyCounts',
      { otherSubject: 'x'.repeat(9000) },
      '"otherSubject" has more than 8192 characters',
    ],
    ['getManyToManyCounts', { limit: '0' }, '"limit" must be from 1 to 1000'],
  ])('%s %j', async (name, params, message) => {
    const refused = await served.refused(xrpc(name), { ...asked, pathToOther: 'list', ...params })
    expect(refused.status).toBe(400)
    expect(refused.message).toMatch(/^InvalidRequest: Parameter /)
    expect(refused.message).toContain(message)
  })

  it('is refused where its DIDs do not fit into an address', async () => {
    const { status } = await served.refused(xrpc('getBacklinks'), {
      ...asked,
      did: Array.from({ length: 10_000 }, (_, i) => `did:plc:${i}`),
    })
    expect([400, 431]).toContain(status)
  })

  it('says of a cursor that it is of another list or query', async () => {
    const { cursor } = await served.json<{ cursor: string }>(xrpc('getBacklinks'), { ...asked, limit: '1' })
    const elsewhere = await served.refused(xrpc('getBacklinkDids'), { ...asked, cursor })
    expect(elsewhere).toEqual({
      status: 400,
      message: expect.stringContaining('comes from another endpoint') as string,
    })
    for (const changed of [
      { reverse: 'true' },
      { did: did('a') },
      { subject: 'at://did:plc:other' },
      { source: 'app.bsky.feed.repost:subject.uri' },
      { since: '0' },
      { until: '2030-01-01' },
    ]) {
      const refused = await served.refused(xrpc('getBacklinks'), { ...asked, cursor, ...changed })
      expect(refused).toEqual({
        status: 400,
        message: expect.stringContaining('comes from another query') as string,
      })
    }
  })

  it('keeps the cursors of the two joins apart', async () => {
    await using own = await serve()
    const both = (name: string) => [
      { path: likes.path, target: subject },
      { path: '.list', target: `a:${name}` },
    ]
    await own.apply(put('a1', both('x')), put('a2', both('y')))
    const params = { ...asked, pathToOther: 'list', limit: '1' }
    for (const [from, to] of [
      ['getManyToMany', 'getManyToManyCounts'],
      ['getManyToManyCounts', 'getManyToMany'],
    ]) {
      const { cursor } = await own.json<{ cursor: string }>(xrpc(from!), params)
      expect(await own.refused(xrpc(to!), { ...params, cursor })).toEqual({
        status: 400,
        message: expect.stringContaining('comes from another endpoint') as string,
      })
      expect(await own.refused(xrpc(from!), { ...params, cursor, pathToOther: 'x' })).toMatchObject({
        status: 400,
      })
      expect(await own.refused(xrpc(from!), { ...params, cursor, otherSubject: 'a:x' })).toMatchObject({
        status: 400,
      })
    }
  })
})
