import { wantsAll } from '@orrery/server'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventClock, EventEncoder } from '../encode.ts'
import { collection, did, event } from '../testing/arbitrary-events.ts'
import { blockFrom, linesOf, makeCommit } from '../testing/make-events.ts'
import { createFilter, FilterError, type FilterParams } from './filter.ts'

const nothing: FilterParams = { collections: [], dids: [], kinds: [], maxBytes: 0 }

interface Line {
  did: string
  kind: string
  commit?: { collection: string }
}

/** Section 1.3 of the contract, word by word. */
function naivelyWants(params: FilterParams, line: string): boolean {
  const { did: lineDid, kind, commit } = JSON.parse(line) as Line
  const didFits = params.dids.length === 0 || params.dids.includes(lineDid)
  const collectionFits =
    kind !== 'commit' ||
    params.collections.length === 0 ||
    params.collections.some(wanted =>
      wanted.endsWith('.*')
        ? commit!.collection.startsWith(wanted.slice(0, -1))
        : commit!.collection === wanted,
    )
  const kindFits = params.kinds.length === 0 || params.kinds.includes(kind)
  const sizeFits = params.maxBytes === 0 || Buffer.byteLength(line) <= params.maxBytes
  return didFits && collectionFits && kindFits && sizeFits
}

/** The lines that a filter chooses. */
function chosen(params: FilterParams, encoded: ReturnType<EventEncoder['encode']>): string[] {
  const lines = linesOf(encoded)
  const indices = createFilter(params).select(blockFrom(encoded))
  return indices ? indices.map(i => lines[i]!) : lines
}

const pattern = fc.oneof(
  collection,
  collection.map(nsid => `${nsid}.*`),
  collection.map(nsid => `${nsid.slice(0, nsid.lastIndexOf('.'))}.*`),
  fc.constantFrom('app.bsky.*', 'app.*', 'a.*', '.*', 'not valid.*', 'app.bsky.graph.*', 'APP.bsky.*'),
)
const params: fc.Arbitrary<FilterParams> = fc.record({
  collections: fc.array(pattern, { maxLength: 4 }),
  dids: fc.array(did, { maxLength: 4 }),
  kinds: fc.subarray(['commit', 'identity', 'account']),
  maxBytes: fc.constantFrom(0, 1, 150, 300, 1000),
})

describe('createFilter', () => {
  it('chooses what the rules say, for any events and any wishes', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), params, fc.nat(), (events, wanted, pick) => {
        const encoded = new EventEncoder(new EventClock(0)).encode(events)
        const lines = linesOf(encoded)
        // A DID of the events at hand makes it likely that some fit.
        const some = events[pick % Math.max(1, events.length)]?.did
        const asked = {
          ...wanted,
          dids: some && wanted.dids.length > 0 ? [...wanted.dids, some] : wanted.dids,
        }
        expect(chosen(asked, encoded)).toEqual(lines.filter(line => naivelyWants(asked, line)))
      }),
      { numRuns: 400 },
    )
  })

  it('has a row for each case of the table', () => {
    const base = { did: 'did:plc:a', time: 't', seq: 1, source: 's', timeUs: undefined }
    const like = { ...makeCommit('like'), did: 'did:plc:a' }
    like.ops[0]!.collection = 'app.bsky.graph.follow'
    const encoded = new EventEncoder(new EventClock(0)).encode([
      like,
      { ...base, kind: 'identity', handle: undefined },
      { ...base, kind: 'account', active: true, status: undefined },
    ])
    const kindsFor = (wanted: Partial<FilterParams>): string[] =>
      chosen({ ...nothing, ...wanted }, encoded).map(line => (JSON.parse(line) as Line).kind)
    const all = ['commit', 'identity', 'account']
    expect(kindsFor({})).toEqual(all)
    // Collections concern commits alone; DIDs everything.
    expect(kindsFor({ collections: ['app.bsky.feed.post'] })).toEqual(['identity', 'account'])
    expect(kindsFor({ dids: ['did:plc:b'] })).toEqual([])
    expect(kindsFor({ dids: ['did:plc:a'], collections: ['app.bsky.feed.post'] })).toEqual([
      'identity',
      'account',
    ])
    expect(kindsFor({ dids: ['did:plc:b'], collections: ['app.bsky.graph.follow'] })).toEqual([])
    expect(kindsFor({ collections: ['app.bsky.graph.follow'] })).toEqual(all)
    expect(kindsFor({ collections: ['app.bsky.graph.*'] })).toEqual(all)
    // A prefix keeps its dot, is no name by itself, and knows upper case from lower.
    expect(kindsFor({ collections: ['app.bsky.graph.follow.*'] })).toEqual(['identity', 'account'])
    expect(kindsFor({ collections: ['app.bsky.gra.*'] })).toEqual(['identity', 'account'])
    expect(kindsFor({ collections: ['App.bsky.graph.*'] })).toEqual(['identity', 'account'])
    expect(kindsFor({ collections: ['.*'] })).toEqual(['identity', 'account'])
    expect(kindsFor({ collections: ['anything goes.*'] })).toEqual(['identity', 'account'])
    expect(kindsFor({ kinds: ['account'] })).toEqual(['account'])
    expect(kindsFor({ kinds: ['commit'], collections: ['.*'] })).toEqual([])
  })

  it('lets through what is exactly as long as allowed', () => {
    const encoded = new EventEncoder(new EventClock(0)).encode([makeCommit('a'), makeCommit('b', 1)])
    const bytes = encoded.ends[0]!
    expect(chosen({ ...nothing, maxBytes: bytes - 1 }, encoded)).toHaveLength(0)
    expect(chosen({ ...nothing, maxBytes: bytes }, encoded)).toHaveLength(1)
    expect(chosen({ ...nothing, maxBytes: bytes + 1 }, encoded)).toHaveLength(2)
  })

  it('is the one filter for everything where nothing is asked', () => {
    expect(createFilter(nothing)).toBe(wantsAll)
  })
})

describe('what a filter may hold', () => {
  const nsids = (count: number): string[] => Array.from({ length: count }, (_, i) => `com.example.a${i}`)
  const prefixes = (count: number): string[] => nsids(count).map(nsid => `${nsid}.*`)
  const dids = (count: number): string[] => Array.from({ length: count }, (_, i) => `did:plc:${i}`)
  const refusal = (wanted: Partial<FilterParams>): string => {
    try {
      createFilter({ ...nothing, ...wanted })
      return ''
    } catch (error) {
      return error instanceof FilterError ? error.message : String(error)
    }
  }

  it('is 100 collections, whole or prefixes', () => {
    expect(refusal({ collections: nsids(100) })).toBe('')
    expect(refusal({ collections: [...nsids(50), ...prefixes(50)] })).toBe('')
    expect(refusal({ collections: nsids(101) })).toBe('too many wantedCollections: at most 100')
    expect(refusal({ collections: [...nsids(50), ...prefixes(51)] })).toMatch('too many wantedCollections')
  })

  it('is 10,000 DIDs', () => {
    expect(refusal({ dids: dids(10_000) })).toBe('')
    expect(refusal({ dids: dids(10_001) })).toBe('too many wantedDids: at most 10000')
  })

  it('is counted without what is there twice, up to a hundred times as much', () => {
    const hundredfold = Array.from({ length: 100 }, () => nsids(100)).flat()
    expect(refusal({ collections: hundredfold })).toBe('')
    expect(refusal({ collections: [...hundredfold, 'com.example.a0'] })).toMatch('too many')
    expect(refusal({ dids: [...dids(10_000), ...dids(10_000)] })).toBe('')
    expect(refusal({ kinds: ['commit', 'commit', 'account', 'identity', 'commit'] })).toBe('')
  })

  it.each([
    'app.bsky.graph.fo*',
    '*',
    '',
    'app',
    'app.bsky',
    'a b.c.d',
    'app.bsky.feed.post/',
    '.*.',
    'app.bsky.*.*x',
  ])('is no collection %j', wanted => {
    expect(refusal({ collections: ['app.bsky.feed.post', wanted] })).toBe(`invalid collection: ${wanted}`)
  })

  it.each([
    '',
    'did',
    'did:plc',
    'did:plc:',
    'DID:plc:a',
    'alice.example',
    'did:plc:é',
    'did:plc:a%',
    `did:plc:${'a'.repeat(2048)}`,
  ])('is no DID %j', wanted => {
    expect(refusal({ dids: [wanted] })).toBe(`invalid did: ${wanted.slice(0, 100)}`)
  })

  it.each(['', 'Commit', 'sync', 'info'])('is no kind %j', wanted => {
    expect(refusal({ kinds: [wanted] })).toBe(
      `invalid wantedKinds: ${wanted}; there are commit, identity, account`,
    )
  })
})

describe('the key of a filter', () => {
  const set = (list: readonly string[]): string =>
    JSON.stringify([...new Set(list)].toSorted((a, b) => (a < b ? -1 : 1)))
  const meaning = ({ collections, dids, kinds, maxBytes }: FilterParams): string =>
    JSON.stringify([set(collections), set(dids), set(kinds), maxBytes])

  it('is the same for the same wishes in another order, and twice', () => {
    fc.assert(
      fc.property(params, wanted => {
        const turned = {
          ...wanted,
          collections: [...wanted.collections, ...wanted.collections].toReversed(),
          dids: [...wanted.dids, ...wanted.dids].toReversed(),
          kinds: wanted.kinds.toReversed(),
        }
        expect(createFilter(turned).key).toBe(createFilter(wanted).key)
      }),
    )
  })

  it('is another for other wishes', () => {
    fc.assert(
      fc.property(fc.array(params, { minLength: 2, maxLength: 20 }), list => {
        const byMeaning = new Map(list.map(wanted => [meaning(wanted), createFilter(wanted).key]))
        expect(new Set(byMeaning.values()).size).toBe(byMeaning.size)
      }),
    )
    // What looks alike when it is strung together.
    expect(createFilter({ ...nothing, collections: ['a.*', 'b.*'] }).key).not.toBe(
      createFilter({ ...nothing, collections: ['a.*,b.*'] }).key,
    )
    // What stands in one list is not what stands in another.
    expect(createFilter({ ...nothing, dids: ['did:plc:a'] }).key).not.toBe(
      createFilter({ ...nothing, dids: ['did:plc:a'], kinds: ['commit'] }).key,
    )
  })
})
