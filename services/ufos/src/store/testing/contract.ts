import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Change, orders } from '../../store.ts'
import {
  create,
  creates,
  type OpenStore,
  remove,
  removeAccount,
  startHour,
  tell,
  type TestedStore,
  timeOf,
  update,
} from './helpers.ts'

const a = 'app.test.a'
const b = 'app.test.b'

/** What every store must do. */
export function describeStore(open: OpenStore): void {
  let store: TestedStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store[Symbol.asyncDispose]())

  const apply = (...changes: Change[]): Promise<void> => store.apply(changes)
  const hours = (since: number, until: number) => ({ since: startHour + since, until: startHour + until })
  const countOf = async (nsid: string, since?: number, until?: number) => {
    const window = since === undefined || until === undefined ? undefined : hours(since, until)
    const [counts] = await store.reader.counts([nsid], window)
    return Object.values(counts!)
  }
  const samplesOf = async (...collections: string[]) =>
    tell(await store.reader.samples({ collections, limit: 100 }))

  it('knows nothing at first', async () => {
    const { collections, samples, latestUs, other } = await store.reader.stats()
    expect({ collections, samples, latestUs }).toEqual({ collections: 0, samples: 0, latestUs: null })
    expect(other).toEqual({ creates: 0, updates: 0, deletes: 0, dids: 0 })
    expect(await store.reader.list({ window: undefined, limit: 10 })).toEqual([])
    for (const order of orders) {
      expect(await store.reader.ranked({ window: undefined, order, limit: 10 })).toEqual([])
      expect(await store.reader.ranked({ window: hours(0, 10), order, limit: 10 })).toEqual([])
    }
    expect(await countOf(a)).toEqual([0, 0, 0, 0])
    expect(await countOf(a, 0, 1_000)).toEqual([0, 0, 0, 0])
    expect(await store.reader.series({ nsid: undefined, windows: [hours(0, 1), hours(1, 2)] })).toHaveLength(
      2,
    )
    expect(await samplesOf(a)).toEqual([])
    const nothing = { total: { creates: 0, updates: 0, deletes: 0, dids: 0 }, children: [], isMore: false }
    expect(await store.reader.prefix({ prefix: 'app.test', window: undefined, limit: 10 })).toEqual(nothing)
  })

  it('counts what happened, and who did it, whatever they did', async () => {
    await apply(create(a, 1), update(a, 1), remove(a, 2), create(b, 1))
    await apply(create(a, 3, { rkey: 'y' }), remove(a, 1))
    expect(await countOf(a)).toEqual([2, 1, 2, 3])
    expect(await countOf(b)).toEqual([1, 0, 0, 1])
    expect(await store.reader.stats()).toMatchObject({ creates: 3, updates: 1, deletes: 2, dids: 3 })
  })

  it('counts a record that is created and deleted as created, and its account', async () => {
    await apply(create(a, 1), remove(a, 1))
    expect(await countOf(a)).toEqual([1, 0, 1, 1])
    expect(await samplesOf(a)).toEqual([])
  })

  it('counts events in the hour they belong to, in whatever order they come', async () => {
    const edge = timeOf(1, 0)
    await apply(create(a, 1, { timeUs: edge - 1 }), create(a, 2, { timeUs: edge }))
    await apply(create(a, 3, { hour: 50 }), create(a, 4, { hour: 0 }))
    await store.tidy()
    await apply(create(a, 5, { hour: 200 }), create(a, 1, { hour: 50 }), create(a, 6, { hour: -1 }))
    expect(await countOf(a, 0, 1)).toEqual([2, 0, 0, 2])
    expect(await countOf(a, 1, 2)).toEqual([1, 0, 0, 1])
    expect(await countOf(a, 50, 51)).toEqual([2, 0, 0, 2])
    expect(await countOf(a, 0, 168)).toEqual([5, 0, 0, 4])
    expect(await countOf(a, 168, 336)).toEqual([1, 0, 0, 1])
    expect(await countOf(a, -1, 201)).toEqual([7, 0, 0, 6])
    expect(await countOf(a, 2, 50)).toEqual([0, 0, 0, 0])
    const [found] = await store.reader.list({ window: undefined, limit: 1 })
    expect(found).toMatchObject({ firstUs: timeOf(-1), lastUs: timeOf(200) })
  })

  it('counts an account once in a window, however it is made up', async () => {
    for (const hour of [0, 1, 24, 47, 167, 168, 335, 336, 400]) {
      await apply(create(a, 1, { hour }), create(a, `only${hour}`, { hour }))
    }
    await store.tidy()
    await apply(create(a, 1, { hour: 401 }))
    for (const [since, until, events, dids] of [
      [0, 168, 10, 6],
      [-1, 167, 8, 5],
      [-1, 168, 10, 6],
      [1, 401, 16, 9],
      [24, 336, 10, 6],
      [0, 500, 19, 10],
    ] as const) {
      expect([since, until, ...(await countOf(a, since, until))]).toEqual([since, until, events, 0, 0, dids])
    }
    const windows = [hours(-5, 20), hours(20, 47), hours(47, 48), hours(168, 336), hours(336, 1_000)]
    const series = await store.reader.series({ nsid: a, windows })
    expect(series.map(({ creates: count, dids }) => [count, dids])).toEqual([
      [4, 3],
      [2, 2],
      [2, 2],
      [4, 3],
      [5, 3],
    ])
    expect(await store.reader.series({ nsid: undefined, windows })).toEqual(series)
    expect(await store.reader.series({ nsid: 'never.seen.x', windows: [hours(0, 9)] })).toEqual([
      { creates: 0, updates: 0, deletes: 0, dids: 0 },
    ])
  })

  it('is exact up to 128 accounts, and within 2 % beyond', async () => {
    await apply(...creates(a, 0, 128), ...creates(b, 0, 3_000), ...creates(b, 1_500, 3_000, 30))
    expect(await countOf(a)).toEqual([128, 0, 0, 128])
    expect(await countOf(a, 0, 24)).toEqual([128, 0, 0, 128])
    const within = (dids: number | undefined, of: number): void =>
      expect(Math.abs(dids! / of - 1)).toBeLessThan(0.02)
    for (let i = 0; i < 2; i++) {
      within((await countOf(b))[3], 4_500)
      within((await countOf(b, 0, 1))[3], 3_000)
      within((await countOf(b, 0, 48))[3], 4_500)
      within((await store.reader.stats()).dids, 4_500)
      await store.tidy()
    }
  })

  it('lists collections by name, behind a name, with events in the window', async () => {
    await apply(...['c.b.a', 'a.b.c', 'a.b.c-d.x', 'a.b.c.x', 'B.b.a'].map(nsid => create(nsid, 1)))
    await apply(create('a.b.b', 2, { hour: 30 }))
    const list = async (limit: number, after?: string, until?: number) =>
      (
        await store.reader.list({ window: until === undefined ? undefined : hours(0, until), limit, after })
      ).map(({ nsid }) => nsid)
    expect(await list(10)).toEqual(['B.b.a', 'a.b.b', 'a.b.c', 'a.b.c-d.x', 'a.b.c.x', 'c.b.a'])
    expect(await list(2, 'a.b.b')).toEqual(['a.b.c', 'a.b.c-d.x'])
    expect(await list(10, 'a.b.c-d.x')).toEqual(['a.b.c.x', 'c.b.a'])
    expect(await list(10, 'z')).toEqual([])
    expect(await list(10, 'B', 1)).toEqual(['B.b.a', 'a.b.c', 'a.b.c-d.x', 'a.b.c.x', 'c.b.a'])
    await store.tidy()
    expect(await list(10, undefined, 1)).not.toContain('a.b.b')
  })

  it('ranks by each number, over any window, exactly', async () => {
    await apply(...creates('x.y.many', 0, 30), ...creates('x.y.few', 0, 3))
    for (let hour = 0; hour < 60; hour++) await apply(create('x.y.one', 1, { hour, rkey: `${hour}` }))
    await apply(update('x.y.one', 1), update('x.y.few', 2), update('x.y.few', 1), remove('x.y.gone', 9))
    const ranked = async (order: (typeof orders)[number], since?: number, until = 0, limit = 10) => {
      const window = since === undefined ? undefined : hours(since, until)
      return (await store.reader.ranked({ window, order, limit })).map(
        counts => `${counts.nsid.slice(4)} ${counts[order]}`,
      )
    }
    for (let i = 0; i < 2; i++) {
      expect(await ranked('creates')).toEqual(['one 60', 'many 30', 'few 3'])
      expect(await ranked('dids')).toEqual(['many 30', 'few 3', 'gone 1', 'one 1'])
      expect(await ranked('updates')).toEqual(['few 2', 'one 1'])
      expect(await ranked('deletes')).toEqual(['gone 1'])
      expect(await ranked('creates', 0, 24)).toEqual(['many 30', 'one 24', 'few 3'])
      expect(await ranked('creates', 1, 60)).toEqual(['one 59'])
      expect(await ranked('dids', 0, 60)).toEqual(['many 30', 'few 3', 'gone 1', 'one 1'])
      expect(await ranked('dids', 0, 60, 2)).toEqual(['many 30', 'few 3'])
      expect(await ranked('dids', 5, 5)).toEqual([])
      await store.tidy()
    }
  })

  describe('of a prefix', () => {
    const query = { prefix: 'a.a', window: undefined, limit: 100 }

    it('adds up groups, each account once', async () => {
      await apply(create('a.a.a.a', 1), create('a.a.a.b', 1))
      const { total, children } = await store.reader.prefix(query)
      expect(total).toEqual({ creates: 2, updates: 0, deletes: 0, dids: 1 })
      expect(children).toMatchObject([{ type: 'prefix', nsid: 'a.a.a', creates: 2, dids: 1 }])
      expect(children).toHaveLength(1)
    })

    it('goes by whole segments, leaves itself out, and shows what is both twice', async () => {
      await apply(...['a.a.b', 'a.a.b.x', 'a.a.aa', 'a.aa.b', 'a.a'].map(nsid => create(nsid, 1)))
      await apply(create('a.a.b.y', 2, { hour: 3 }), create('a.a.a', 3, { hour: 40 }))
      const names = async (more: object) => {
        const { children } = await store.reader.prefix({ ...query, ...more })
        return children.map(({ type, nsid, creates: count, dids }) => `${type} ${nsid} ${count} ${dids}`)
      }
      const all = [
        'collection a.a.a 1 1',
        'collection a.a.aa 1 1',
        'collection a.a.b 1 1',
        'prefix a.a.b 2 2',
      ]
      expect(await names({})).toEqual(all)
      expect(await names({ window: hours(0, 3) })).toEqual([all[1], all[2], 'prefix a.a.b 1 1'])
      expect(await names({ order: 'dids' })).toEqual([all[3], all[0], all[1], all[2]])
      expect(await names({ order: 'deletes' })).toEqual([])
      expect(await names({ after: { nsid: 'a.a.b', type: 'collection' } })).toEqual([all[3]])
      expect(await names({ after: { nsid: 'a.a.b', type: 'prefix' } })).toEqual([])
      expect(await names({ prefix: 'a.a.b' })).toEqual(['collection a.a.b.x 1 1', 'collection a.a.b.y 1 1'])
      expect(await names({ prefix: 'A.a' })).toEqual([])
    })

    it('counts the whole of it, also where a page shows a part', async () => {
      await apply(create('a.a.b', 1), create('a.a.c', 1), create('a.a.d.x', 2), create('a.a.d.y', 1))
      const first = await store.reader.prefix({ ...query, limit: 1 })
      expect(first).toMatchObject({ total: { creates: 4, dids: 2 }, isMore: true })
      expect(first.children).toHaveLength(1)
      expect(await store.reader.prefix({ ...query, limit: 3 })).toMatchObject({ isMore: false })
    })

    it('keeps one group where names continue with a hyphen, over several hours', async () => {
      for (const hour of [0, 30, 200]) {
        await apply(...['a.a.c-d.x', 'a.a.c.x', 'a.a.c.y', 'a.a.c-d'].map(nsid => create(nsid, 1, { hour })))
      }
      await store.tidy()
      const { children } = await store.reader.prefix({ ...query, window: hours(0, 201) })
      expect(children.map(({ type, nsid, creates: count }) => [type, nsid, count])).toEqual([
        ['prefix', 'a.a.c', 6],
        ['collection', 'a.a.c-d', 3],
        ['prefix', 'a.a.c-d', 3],
      ])
    })
  })

  it('searches in whatever case: most terms first, then most accounts', async () => {
    await apply(...creates('app.Foo.bar', 0, 2), ...creates('net.bar.baz', 0, 5), create('org.foo.x', 1))
    const search = async (terms: string[], limit = 10) =>
      (await store.reader.search({ terms, limit })).map(({ nsid, terms: count }) => `${nsid} ${count}`)
    expect(await search(['foo'])).toEqual(['app.Foo.bar 1', 'org.foo.x 1'])
    expect(await search(['foo', 'bar'])).toEqual(['app.Foo.bar 2', 'net.bar.baz 1', 'org.foo.x 1'])
    expect(await search(['bar'], 1)).toEqual(['net.bar.baz 1'])
    expect(await search(['none'])).toEqual([])
  })

  it('tells what grows for sure, and nothing of what may be chance', async () => {
    await apply(...creates('x.y.steady', 0, 100), ...creates('x.y.steady', 100, 100, 24))
    await apply(...creates('x.y.doubled', 0, 60), ...creates('x.y.doubled', 0, 120, 25))
    await apply(...creates('x.y.new', 0, 20, 26), ...creates('x.y.tiny', 0, 3, 26))
    await apply(...creates('x.y.less', 0, 90), ...creates('x.y.less', 0, 30, 24))
    for (let i = 0; i < 20; i++) await apply(create('x.y.one', 1, { hour: 30, rkey: `${i}` }))
    const trends = async (minDids: number) =>
      (await store.reader.trending({ window: hours(24, 48), limit: 10, minDids })).map(
        ({ nsid, dids, before, atLeast }) => `${nsid.slice(4)} ${before.dids} ${dids} ${atLeast.toFixed(2)}`,
      )
    for (let i = 0; i < 2; i++) {
      expect(await trends(1)).toEqual(['new 0 20 3.89', 'doubled 60 120 1.54'])
      expect(await trends(21)).toEqual(['doubled 60 120 1.54'])
      await store.tidy()
    }
  })

  describe('of records', () => {
    it('has the newest of each collection, together by time', async () => {
      await apply(create(a, 1, { hour: 1, rkey: 'p' }), create(b, 2, { hour: 3, rkey: 'q' }))
      await apply(create(a, 3, { hour: 2, rkey: 'r' }), create(a, 1, { hour: 2, rkey: 's' }))
      expect(await samplesOf(a, b)).toEqual(['2:q', '1:s', '3:r', '1:p'])
      expect(await samplesOf(a, a)).toEqual(['1:s', '3:r', '1:p'])
      expect(tell(await store.reader.samples({ collections: [a, b], limit: 1 }))).toEqual(['2:q', '1:s'])
      const [, second] = await store.reader.samples({ collections: [a], limit: 9 })
      expect(tell(await store.reader.samples({ collections: [a], limit: 9, before: second }))).toEqual([
        '1:p',
      ])
      expect(second).toMatchObject({
        did: 'did:plc:3',
        rkey: 'r',
        rev: 'revr',
        cid: 'bafyr',
        isUpdate: false,
      })
      expect(second).toMatchObject({ collection: a, json: '{"text":"r"}', timeUs: timeOf(2) })
    })

    it('has each record once, as it is now, and none that was deleted', async () => {
      await apply(create(a, 1, { text: 'old' }), create(a, 2, { hour: 1 }), create(a, 3, { hour: 1 }))
      await apply(update(a, 1, { text: 'new', hour: 2 }), remove(a, 2), remove(a, 9))
      expect(await samplesOf(a)).toEqual(['1:new', '3:x'])
      const [newest] = await store.reader.samples({ collections: [a], limit: 1 })
      expect(newest).toMatchObject({ isUpdate: true, timeUs: timeOf(2) })
      await apply(remove(a, 1), create(a, 1, { text: 'again' }), remove(b, 3), create(b, 3), remove(b, 3))
      expect(await samplesOf(a, b)).toEqual(['3:x', '1:again'])
    })

    it('has none of accounts that were removed, but what they wrote since', async () => {
      await apply(create(a, 'A', { rkey: '1' }), create(a, 'B'), removeAccount('A'))
      await apply(create(a, 'A', { rkey: '2' }))
      for (let i = 0; i < 2; i++) {
        expect(await samplesOf(a)).toEqual(['A:2', 'B:x'])
        expect(await countOf(a)).toEqual([3, 0, 0, 2])
        await store.tidy()
      }
      await apply(removeAccount('B'), create(a, 'B', { rkey: '3' }), removeAccount('B'), removeAccount('C'))
      await apply(
        create(b, 'A', { rkey: '2' }),
        removeAccount('A'),
        create(a, 'A', { rkey: '1', text: 'one' }),
      )
      expect(await samplesOf(a, b)).toEqual(['A:one'])
      await store.tidy()
      expect(await samplesOf(a, b)).toEqual(['A:one'])
      expect((await store.reader.stats()).samples).toBe(1)
    })

    it('keeps so many of each collection, the newest', async () => {
      await using small = await open({ samplesKept: 3 })
      const all = async (nsid = a) => tell(await small.reader.samples({ collections: [nsid], limit: 100 }))
      await small.apply([1, 2, 3, 4, 5].map(hour => create(a, hour, { hour })))
      expect(await all()).toEqual(['5:x', '4:x', '3:x'])
      await small.apply([create(a, 'late', { hour: 2 }), create(b, 1), create(a, 6, { hour: 6 })])
      expect(await all()).toEqual(['6:x', '5:x', '4:x'])
      await small.apply([removeAccount(6), remove(a, 5), create(a, 'late', { hour: 2 })])
      expect(await all()).toEqual(['4:x', 'late:x'])
      await small.apply([create(a, 7, { hour: 7 }), create(a, 8, { hour: 8 })])
      expect(await all()).toEqual(['8:x', '7:x', '4:x'])
      expect(await all(b)).toEqual(['1:x'])
    })

    it('leaves out what is too large, and what it replaces', async () => {
      await apply(create(a, 1), create(a, 2))
      await apply({ ...update(a, 1), json: null } as Change)
      expect(await samplesOf(a)).toEqual(['2:x'])
      expect(await countOf(a)).toEqual([2, 1, 0, 2])
    })
  })

  it('counts collections beyond the largest number as one, and has no samples of them', async () => {
    await using small = await open({ maxCollections: 2 })
    await small.apply([create(a, 1), create('x.y.z', 2), create(b, 3), update('z.z.z', 3), create(a, 4)])
    await small.apply([create(b, 4), remove('w.w.w', 3)])
    expect(await small.reader.stats()).toMatchObject({
      collections: 2,
      creates: 5,
      dids: 4,
      other: { creates: 2, updates: 1, deletes: 1, dids: 2 },
    })
    const known = await small.reader.list({ window: undefined, limit: 10 })
    expect(known.map(({ nsid }) => nsid)).toEqual([a, 'x.y.z'])
    const [counts] = await small.reader.series({ nsid: undefined, windows: [hours(0, 1)] })
    expect(counts).toMatchObject({ creates: 5, updates: 1, deletes: 1, dids: 4 })
    expect(await small.reader.counts([b], hours(0, 1))).toEqual([
      { creates: 0, updates: 0, deletes: 0, dids: 0 },
    ])
    expect(await small.reader.ranked({ window: hours(0, 1), order: 'creates', limit: 10 })).toHaveLength(2)
    expect(await small.reader.samples({ collections: [b, '(other)', '(all)'], limit: 9 })).toEqual([])
  })

  it('tells which collections were active last', async () => {
    await apply(create(a, 1, { hour: 5 }), create(b, 1, { hour: 9 }), create('c.c.c', 1, { hour: 7 }))
    expect(await store.reader.active(2)).toEqual([b, 'c.c.c'])
    expect((await store.reader.stats()).latestUs).toBe(timeOf(9))
  })
}
