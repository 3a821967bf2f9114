import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  create,
  creates,
  remove,
  removeAccount,
  startHour,
  timeOf,
  update,
} from '../../src/store/testing/helpers.ts'
import { hourMs } from '../../src/time.ts'
import { nowHour, serve, type Served } from './served.ts'

// The wire, endpoint by endpoint, with the scenarios of the first server and the mistakes of it that are not repeated here.

let served: Served
beforeEach(async () => {
  served = await serve()
})
afterEach(() => served[Symbol.asyncDispose]())

/** An hour of the tests, as it is written in requests. */
const at = (hour: number): string => new Date((startHour + hour) * hourMs).toISOString().replace('.000', '')
const counts = (creates_: number, dids: number, updates = 0, deletes = 0) => ({
  creates: creates_,
  updates,
  deletes,
  dids_estimate: dids,
})
const nsidsOf = (list: { nsid: string }[]): string[] => list.map(({ nsid }) => nsid)

describe('every answer', () => {
  it('may be read from everywhere, errors too, and errors say which request they are about', async () => {
    for (const [path, status, error] of [
      ['/meta', 200],
      ['/collections?limit=0', 400, 'InvalidRequest'],
      ['/nowhere', 404, 'NotFound'],
      ['/lexicon?nsid=a.b.c', 404, 'LexiconNotFound'],
    ] as const) {
      const { status: found, headers, body } = await served.ask(path)
      expect([path, found, headers.get('access-control-allow-origin')]).toEqual([path, status, '*'])
      const id = headers.get('x-request-id')
      expect(id).toMatch(/^[\w-]+$/)
      expect([path, body.error, body.request_id]).toEqual([path, error, error && id])
    }
    const preflight = await fetch(`${served.url}/collections`, { method: 'OPTIONS' })
    expect(preflight.status).toBe(204)
  })

  it('is not disturbed by parameters that are none', async () => {
    const { cursor } = await served.json('/collections', { x: '1', sort: 'asc', prefix: 'a', '': '' })
    await served.json('/search', { q: 'ab', ql: ['1', '2'] })
    await served.json('/collections', { since: '', until: '', limit: '', order: '', cursor: '' })
    expect(cursor).toBe(null)
  })
})

describe('times', () => {
  it('are RFC 3339 with an offset, down to their hour, not before 1970 and not after two hours from now', async () => {
    const ask = (since: string) => served.refused('/collections', { since })
    for (const bad of [
      '2025-01-01',
      '2025-01-01T00:00:00',
      '2025-02-29T00:00:00Z',
      '2025-13-01T00:00:00Z',
      '2025-01-01T24:00:00Z',
      '2025-01-01T00:60:00Z',
      '2025-01-01T00:00:00+24:00',
      '2025-01-01 00:00:00Z',
      '1735689600',
      'now',
    ]) {
      expect(await ask(bad)).toContain('unable to parse query string: "since"')
    }
    expect(await ask('1969-12-31T23:59:59Z')).toContain('timestamp too old')
    expect(await ask('1970-01-01T00:59:59+01:00')).toContain('timestamp too old')
    expect(await ask('0050-01-01T00:00:00Z')).toContain('timestamp too old')
    expect(await ask(at(nowHour + 3))).toContain('future timestamp')
    await served.json('/collections', { since: at(nowHour + 2) })
    await served.json('/collections', { since: '1970-01-01T00:00:00Z' })
    await served.json('/collections', { since: '2024-02-29t23:59:60.5z' })
  })

  it('make windows of whole hours, without the hour under way, which all time has', async () => {
    await served.apply(create('a.a.a', 1, { hour: nowHour - 1 }), create('a.a.a', 2, { hour: nowHour }))
    const dids = async (query: Record<string, string>) => {
      const { collections } = await served.json('/collections', query)
      return collections[0]?.dids_estimate ?? 0
    }
    expect(await dids({})).toBe(2)
    expect(await dids({ since: at(0) })).toBe(1)
    expect(await dids({ until: at(nowHour) })).toBe(1)
    expect(await dids({ until: at(nowHour + 1) })).toBe(2)
    const half = at(nowHour - 1).replace(':00:00Z', ':59:59Z')
    expect(await dids({ since: half })).toBe(1)
    expect(await dids({ since: half.replace('Z', '+00:00'), until: half })).toBe(0)
    expect(await dids({ since: at(nowHour), until: at(5) })).toBe(0)
  })
})

it('/meta tells of the store, and a position that does not lag', async () => {
  expect(await served.json('/meta')).toMatchObject({
    consumer: {
      jetstream: { latest_cursor: null, rollup_cursor: 0, endpoint: 'wss://test.example/subscribe' },
    },
  })
  await served.apply(create('a.a.a', 1, { timeUs: timeOf(5, 123) }))
  const { storage, consumer, other } = await served.json('/meta')
  expect(consumer.jetstream).toMatchObject({ latest_cursor: timeOf(5, 123), rollup_cursor: timeOf(5, 123) })
  expect(storage.rollup_cursor).toBe(timeOf(5, 123))
  expect(storage.keyspace_disk_space).toBeGreaterThan(4_096)
  expect([storage.collections, storage.samples, other]).toEqual([1, 1, counts(0, 0)])
})

describe('/records', () => {
  const texts = (list: { did: string; rkey: string }[]): string[] =>
    list.map(({ did, rkey }) => `${did.slice(8)}/${rkey}`)

  it('has raw records with their CID and rev, newest first, over all collections', async () => {
    const json = Buffer.from('{"n":1.50,"t":"\\u00e9","$type":"a.a.a"}')
    await served.apply({ ...create('a.a.a', 1, { hour: 3 }), json } as never, update('a.a.b', 2, { hour: 5 }))
    const text = await (await fetch(`${served.url}/records?collection=a.a.a,a.a.b`)).text()
    expect(text).toContain(json.toString())
    const [first, second] = JSON.parse(text)
    expect(first).toEqual({
      did: 'did:plc:2',
      collection: 'a.a.b',
      rkey: 'x',
      record: { text: 'x' },
      time_us: timeOf(5),
      cid: 'bafyx',
      rev: 'revx',
      is_update: true,
    })
    expect(second).toMatchObject({ collection: 'a.a.a', is_update: false, record: { t: 'é' } })
  })

  it('takes collections by commas and repeated, and a limit for each', async () => {
    const fifty = Array.from({ length: 50 }, (_, i) => create('a.a.a', i, { hour: i }))
    await served.apply(...fifty, create('a.a.b', 'b', { hour: 10 }), create('a.a.c', 'c', { hour: 11 }))
    expect(await served.json('/records', { collection: 'a.a.a' })).toHaveLength(42)
    expect(await served.json('/records', { collection: 'a.a.a', limit: '50' })).toHaveLength(50)
    const two = texts(await served.json('/records', { collection: 'a.a.a,a.a.b', limit: '1' }))
    expect(two).toEqual(['49/x', 'b/x'])
    expect(texts(await served.json('/records', { collection: ['a.a.a', 'a.a.b'], limit: '1' }))).toEqual(two)
    expect(texts(await served.json('/records', { 'collection[]': 'a.a.c' }))).toEqual(['c/x'])
    const all = texts(await served.json('/records'))
    expect(all).toHaveLength(14)
    expect(all.slice(-2)).toEqual(['c/x', 'b/x'])
    expect(await served.json('/records', { collection: 'z.z.z' })).toEqual([])
  })

  it('pages through one collection, and through several, without doubles', async () => {
    await served.apply(
      ...Array.from({ length: 30 }, (_, i) =>
        create(i % 3 ? 'a.a.a' : 'a.a.b', i, { timeUs: timeOf(i >> 2) }),
      ),
    )
    for (const collection of ['a.a.a', 'a.a.b,a.a.a']) {
      const whole = texts(await served.json('/records', { collection, limit: '100' }))
      const paged: string[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const { headers, body } = await served.ask('/records', { collection, limit: '7', cursor })
        paged.push(...texts(body))
        cursor = headers.get('x-cursor')
      }
      expect(paged).toEqual(whole)
    }
  })

  it('has none of what was deleted, superseded or removed with its account; what came since is there', async () => {
    await served.apply(
      create('a.a.a', 'A', { rkey: 'A' }),
      create('a.a.a', 'B', { rkey: 'B' }),
      removeAccount('A'),
    )
    await served.apply(create('a.a.a', 'A', { rkey: 'C', hour: 1 }))
    expect(texts(await served.json('/records', { collection: 'a.a.a' }))).toEqual(['A/C', 'B/B'])
    expect(await served.json('/collections/stats', { collection: 'a.a.a', since: at(0) })).toEqual({
      'a.a.a': counts(3, 2),
    })
  })

  it('refuses what is no collection', async () => {
    const refused = (collection: string) => served.refused('/records', { collection })
    expect(await refused('x')).toBe('collection "x" was not a valid NSID')
    expect(await refused('')).toBe('collection "" was not a valid NSID')
    expect(await refused('a.a.a,,a.a.b')).toBe('collection "" was not a valid NSID')
    expect(await served.refused('/records', { limit: '513' })).toContain('limit not in 1..=512: 513')
    expect(await served.refused('/records', { cursor: '' })).toContain('needs "collection"')
    expect(await served.refused('/records', { collection: 'a.a.a', cursor: 'AAAA' })).toBe('invalid cursor')
  })
})

describe('/collections/stats', () => {
  it('has every collection that is asked for, zeros for those unknown', async () => {
    await served.apply(create('a.a.a', 1, { hour: nowHour - 1 }), remove('a.a.a', 2, { hour: nowHour - 200 }))
    const collection = ['a.a.a', 'never.seen.x', 'a.a.a']
    expect(await served.json('/collections/stats', { collection })).toEqual({
      'a.a.a': counts(1, 1),
      'never.seen.x': counts(0, 0),
    })
    const since = at(nowHour - 300)
    expect(await served.json('/collections/stats', { 'collection[0]': 'a.a.a', since })).toEqual({
      'a.a.a': counts(1, 2, 0, 1),
    })
  })

  it('refuses none, commas, what is no NSID, and too many', async () => {
    const refused = (collection?: string | string[]) => served.refused('/collections/stats', { collection })
    expect(await refused()).toContain('is missing')
    expect(await refused('a.a.a,a.a.b')).toContain('was not a valid NSID')
    expect(await refused(['a.a.a', 'b'])).toBe('collection "b" was not a valid NSID')
    expect(await refused(Array.from({ length: 501 }, (_, i) => `a.a.n${i}`))).toContain('500 times')
  })
})

describe('/collections', () => {
  it('pages by name to an end, with every collection once', async () => {
    const names = Array.from({ length: 25 }, (_, i) => `a.a.n${i % 2 ? '-' : ''}${i}`)
    await served.apply(...names.map(nsid => create(nsid, 1)))
    for (const limit of ['1', '5', '7', '25', '200']) {
      const seen: string[] = []
      let pages = 0
      for (let cursor: string | null = ''; cursor !== null; pages++) {
        const page = await served.json('/collections', { limit, cursor })
        seen.push(...nsidsOf(page.collections))
        cursor = page.cursor
      }
      expect(seen).toEqual(names.toSorted())
      expect(pages).toBeLessThanOrEqual(Math.floor(25 / Number(limit)) + 1)
    }
  })

  it('says when a collection was seen first and last, without a fraction that is zero', async () => {
    await served.apply(
      create('a.a.a', 1, { timeUs: timeOf(2, 0) }),
      create('a.a.a', 2, { timeUs: timeOf(1, 1_500_000) }),
    )
    const { collections } = await served.json('/collections')
    expect(collections).toEqual([
      { nsid: 'a.a.a', ...counts(2, 2), first_seen: at(1).replace('00Z', '01.5Z'), last_seen: at(2) },
    ])
  })

  it('orders over any window exactly as the single counts are, where the first server was too low', async () => {
    // Below the top of every single hour, and on top of the whole.
    for (let hour = 900; hour < 930; hour++) {
      await served.apply(
        ...creates(`a.a.h${hour}`, 0, 12, hour),
        ...creates('a.a.steady', hour * 5, 5, hour),
        create('a.a.one', 1, { hour, rkey: `${hour}` }),
      )
    }
    const since = at(900)
    for (const order of ['records-created', 'dids-estimate']) {
      const { collections, cursor } = await served.json('/collections', { order, since, limit: '1' })
      expect(cursor).toBe(null)
      expect(collections).toMatchObject([{ nsid: 'a.a.steady', creates: 150 }])
      const collection = collections[0].nsid
      expect(await served.json('/collections/stats', { collection, since })).toMatchObject({
        'a.a.steady': { dids_estimate: collections[0].dids_estimate },
      })
    }
  })

  it('orders 32 by default, leaves out those without any, and takes no cursor then', async () => {
    await served.apply(...Array.from({ length: 40 }, (_, i) => create(`a.a.n${i}`, 1)), remove('a.a.gone', 1))
    const { collections } = await served.json('/collections', { order: 'records-created' })
    expect(collections).toHaveLength(32)
    const all = await served.json('/collections', { order: 'records-created', limit: '200' })
    expect(nsidsOf(all.collections)).not.toContain('a.a.gone')
    expect(await served.refused('/collections', { order: 'did-estimate' })).toContain('must be one of')
    for (const cursor of ['', 'x']) {
      expect(await served.refused('/collections', { order: 'dids-estimate', cursor })).toContain('exclusive')
    }
  })

  it('refuses limits and cursors that cannot be, with a 400', async () => {
    expect(await served.refused('/collections', { limit: '0' })).toBe('limit not in 1..=200: 0')
    expect(await served.refused('/collections', { limit: '201' })).toBe('limit not in 1..=200: 201')
    expect(await served.refused('/collections', { limit: '-1' })).toContain('unable to parse')
    expect(await served.refused('/collections', { limit: ['1', '2'] })).toContain('more than once')
    for (const cursor of [
      '%',
      '====',
      'AAAA',
      'YWJj',
      Buffer.from('é\0').toString('base64url'),
      'YS5hLmEA=',
    ]) {
      expect(await served.refused('/collections', { cursor })).toBe('invalid cursor')
    }
  })
})

describe('/prefix', () => {
  it('adds up a group, each account once', async () => {
    await served.apply(create('a.a.a.a', 1), create('a.a.a.b', 1))
    const seen = { first_seen: expect.any(String) as string, last_seen: expect.any(String) as string }
    expect(await served.json('/prefix', { prefix: 'a.a' })).toEqual({
      total: counts(2, 1),
      children: [{ type: 'prefix', prefix: 'a.a.a', ...counts(2, 1), ...seen }],
      cursor: null,
    })
  })

  it('pages to an end, without repeating a group that a cursor points at', async () => {
    await served.apply(
      ...['a.a.b', 'a.a.b.x', 'a.a.b.y', 'a.a.b.z', 'a.a.c', 'a.a.b-d.x', 'a.a.d.x'].map(nsid =>
        create(nsid, 1),
      ),
    )
    for (const limit of ['1', '2', '3', '100']) {
      const seen: string[] = []
      let pages = 0
      for (let cursor: string | null = ''; cursor !== null && pages < 20; pages++) {
        const page = await served.json('/prefix', { prefix: 'a.a', limit, cursor })
        expect(page.total).toEqual(counts(7, 1))
        for (const { type, nsid, prefix } of page.children) seen.push(`${type} ${nsid ?? prefix}`)
        cursor = page.cursor
      }
      expect(seen).toEqual([
        'collection a.a.b',
        'prefix a.a.b',
        'prefix a.a.b-d',
        'collection a.a.c',
        'prefix a.a.d',
      ])
    }
  })

  it('has orders', async () => {
    await served.apply(...creates('a.a.b', 0, 3), ...creates('a.a.c.x', 0, 2), ...creates('a.a.c.y', 2, 2))
    await served.apply(update('a.a.b', 1), remove('a.a.c.x', 1))
    for (const [order, ...names] of [
      ['records-created', 'a.a.c', 'a.a.b'],
      ['dids-estimate', 'a.a.c', 'a.a.b'],
      ['records-updated', 'a.a.b'],
      ['records-deleted', 'a.a.c'],
    ]) {
      for (const since of [undefined, at(0)]) {
        const { children, cursor } = await served.json('/prefix', { prefix: 'a.a', order, since })
        expect([
          order,
          cursor,
          ...children.map((one: Record<string, string>) => one['nsid'] ?? one['prefix']),
        ]).toEqual([order, null, ...names])
      }
    }
    expect(await served.refused('/prefix', { prefix: 'a.a', order: 'dids-estimate', cursor: '' })).toContain(
      'exclusive',
    )
  })

  it('refuses what is no prefix', async () => {
    for (const prefix of ['', 'a', 'a.a.', '.a.a', 'a..a', 'a.a b', 'é.a', '1-.a', 'x'.repeat(400)]) {
      expect(await served.refused('/prefix', { prefix })).toContain('was not a valid NSID prefix')
    }
    expect(await served.refused('/prefix')).toContain('is missing')
    expect(await served.refused('/prefix', { prefix: ['a.a', 'b.b'] })).toContain('more than once')
  })
})

describe('/timeseries', () => {
  it('begins with the hour of since, is filled with zeros, and may end with a short part', async () => {
    await served.apply(create('a.a.a', 1, { hour: 13 }), create('a.a.a', 1, { hour: 20, rkey: 'y' }))
    await served.apply(create('a.a.a', 2, { hour: 62 }))
    const query = { collection: 'a.a.a', since: at(13), until: at(63) }
    expect(await served.json('/timeseries', query)).toEqual({
      range: [at(13), at(37), at(61)],
      series: { 'a.a.a': [counts(2, 1), counts(0, 0), counts(1, 1)] },
    })
    const hourly = await served.json('/timeseries', { ...query, step: '7199' })
    expect(hourly.range).toHaveLength(50)
    const empty = { range: [], series: { 'a.a.a': [] } }
    expect(await served.json('/timeseries', { ...query, until: at(13) })).toEqual(empty)
    expect(await served.json('/timeseries', { ...query, until: at(2) })).toEqual(empty)
    const unknown = await served.json('/timeseries', { ...query, collection: 'z.z.z' })
    expect(unknown.series).toEqual({ 'z.z.z': [counts(0, 0), counts(0, 0), counts(0, 0)] })
  })

  it('goes by days and weeks of UTC where they are asked for by name', async () => {
    await served.apply(
      create('a.a.a', 1, { hour: 1 }),
      create('a.a.a', 2, { hour: 30 }),
      create('a.a.a', 1, { hour: 170 }),
    )
    const query = { collection: 'a.a.a', since: at(31), until: at(180) }
    const days = await served.json('/timeseries', { ...query, step: 'day' })
    expect(days.range.slice(0, 2)).toEqual([at(24), at(48)])
    const weeks = await served.json('/timeseries', { ...query, step: 'week' })
    expect(weeks).toEqual({ range: [at(0), at(168)], series: { 'a.a.a': [counts(2, 2), counts(1, 1)] } })
    const whole = await served.json('/timeseries', { ...query, since: at(0), step: String(400 * 3_600) })
    expect(whole.series['a.a.a']).toEqual([counts(3, 2)])
  })

  it('is a week by the day where nothing is said, and refuses what is too much', async () => {
    const { range } = await served.json('/timeseries', { collection: 'a.a.a' })
    expect([range.length, range[0]]).toEqual([7, at(nowHour - 168)])
    const refused = (query: Record<string, string | string[]>) =>
      served.refused('/timeseries', { collection: 'a.a.a', ...query })
    expect(await refused({ step: '3599' })).toBe('step is too small: 3599')
    expect(await refused({ step: '0' })).toBe('step is too small: 0')
    expect(await refused({ step: 'month' })).toContain('"step"')
    expect(await refused({ step: '1e4' })).toContain('"step"')
    expect(await refused({ since: '1970-01-01T00:00:00Z', step: '3600' })).toContain('too many steps')
    expect(await refused({ collection: ['a.a.a', 'a.a.b'] })).toContain('more than once')
    expect(await refused({ collection: 'a' })).toContain('was not a valid NSID')
    const far = await served.json('/timeseries', {
      collection: 'a.a.a',
      since: '1970-01-01T00:00:00Z',
      step: '999999999999999',
    })
    expect(far.range).toEqual(['1970-01-01T00:00:00Z'])
  })
})

describe('/search', () => {
  it('ranks, folds case and shows where', async () => {
    await served.apply(...creates('app.Feed.post', 0, 3), ...creates('net.feed.x', 0, 9), create('a.b.c', 1))
    const { matches } = await served.json('/search', { q: '  feed   POST ' })
    expect(nsidsOf(matches)).toEqual(['app.Feed.post', 'net.feed.x'])
    expect(matches[0].highlight).toEqual([
      { start: 4, end: 8 },
      { start: 9, end: 13 },
    ])
    expect(matches[1]).toMatchObject({ ...counts(9, 9), highlight: [{ start: 4, end: 8 }] })
    const overlapping = await served.json('/search', { q: 'fe fee eed ed.x' })
    expect(overlapping.matches[0].highlight).toEqual([{ start: 4, end: 10 }])
  })

  it('is 16 where nothing is said, and no empty term matches everything', async () => {
    await served.apply(...Array.from({ length: 30 }, (_, i) => create(`aa.bb.n${i}`, 1)))
    expect((await served.json('/search', { q: 'aa' })).matches).toHaveLength(16)
    expect((await served.json('/search', { q: 'aa', limit: '30' })).matches).toHaveLength(30)
    expect((await served.json('/search', { q: ' zz  ' })).matches).toEqual([])
    for (const q of ['', ' ', 'a', 'a b'])
      expect(await served.refused('/search', { q })).toContain('at least two')
    expect(await served.refused('/search')).toContain('is missing')
    expect(await served.refused('/search', { q: 'x'.repeat(300) })).toContain('256')
    expect(
      await served.refused('/search', { q: Array.from({ length: 20 }, (_, i) => `t${i}`).join(' ') }),
    ).toContain('16 terms')
  })
})

describe('/trending', () => {
  it('shows growth that is none of chance, with what was before', async () => {
    await served.apply(...creates('a.a.up', 0, 50, nowHour - 30), ...creates('a.a.up', 0, 200, nowHour - 3))
    await served.apply(...creates('a.a.new', 0, 30, nowHour - 2), ...creates('a.a.few', 0, 4, nowHour - 2))
    await served.apply(
      ...creates('a.a.same', 0, 90, nowHour - 30),
      ...creates('a.a.same', 0, 95, nowHour - 2),
    )
    const { since, until, before, trending } = await served.json('/trending')
    expect([before, since, until]).toEqual([at(nowHour - 48), at(nowHour - 24), at(nowHour)])
    expect(trending).toMatchObject([
      { nsid: 'a.a.new', ...counts(30, 30), before: counts(0, 0), growth: null },
      { nsid: 'a.a.up', creates: 200, before: counts(50, 50) },
    ])
    expect(trending[1].growth).toBeCloseTo(4, 1)
    expect(trending[1].growth_at_least).toBeGreaterThan(3)
    expect(trending[1].growth_at_least).toBeLessThan(trending[1].growth)
    expect((await served.json('/trending', { min_dids: '31' })).trending).toHaveLength(1)
    expect((await served.json('/trending', { limit: '1' })).trending).toHaveLength(1)
    expect(await served.json('/trending', { since: at(50), until: at(20) })).toMatchObject({ trending: [] })
    expect(await served.refused('/trending', { min_dids: '0' })).toContain('at least 1')
  })
})

it('/totals counts every account once over all collections', async () => {
  await served.apply(
    create('a.a.a', 1, { hour: 2 }),
    create('a.a.b', 1, { hour: 3 }),
    remove('a.a.c', 2, { hour: 30 }),
  )
  expect(await served.json('/totals', { since: at(0), until: at(48), step: 'day' })).toEqual({
    collections: 3,
    total: counts(2, 2, 0, 1),
    other: counts(0, 0),
    range: [at(0), at(24)],
    series: [counts(2, 1), counts(0, 1, 0, 1)],
  })
})
