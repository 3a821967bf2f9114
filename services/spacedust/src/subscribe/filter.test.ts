import { describe, expect, it } from 'vitest'
import { blockFor } from '../block.ts'
import { type LinkEntry, modes } from '../entry.ts'
import { createFilter, FilterError, type FilterParams, lists, passes } from './filter.ts'
import { Matcher } from './matcher.ts'

const anything: FilterParams = {
  subjects: [],
  subjectPrefixes: [],
  subjectDids: [],
  sources: [],
  sourceCollections: [],
  authors: [],
  operations: [],
}

const entry: LinkEntry = {
  timeUs: 1,
  operation: 'create',
  instant: modes.change,
  delayed: modes.change,
  source: 'p.q.r:s.uri',
  did: 'did:plc:liker',
  rkey: '1',
  rev: '3lv4oucxyz22k',
  subject: 'at://did:plc:a/x.y.z/1',
}

/** Asked both ways: alone, and through the index of all filters. */
function wants(params: Partial<FilterParams>, of: Partial<LinkEntry> = {}): boolean {
  const asked = { ...entry, ...of }
  const filter = createFilter({ ...anything, ...params }, 'instant')
  const alone = passes(asked, filter.wanted, 'instant')
  const matcher = new Matcher('instant')
  matcher.add(createFilter({ ...anything, subjects: ['did:plc:somebody'] }, 'instant'))
  const indices = matcher.add(filter).select(blockFor('instant', [asked])!)
  expect(indices === undefined || indices.length === 1).toBe(alone)
  return alone
}

describe('the truth table of the contract', () => {
  it.each<[boolean, string, Partial<FilterParams>]>([
    [true, 'none set', {}],
    [true, 'the DID', { subjectDids: ['did:plc:a'] }],
    [true, 'another subject, and the DID', { subjects: ['did:plc:other'], subjectDids: ['did:plc:a'] }],
    [false, 'another subject only', { subjects: ['did:plc:other'] }],
    [true, 'the source only', { sources: ['p.q.r:s.uri'] }],
    [false, 'the DID, and another source', { subjectDids: ['did:plc:a'], sources: ['p.q.r:other'] }],
    [true, 'a prefix', { subjectPrefixes: ['at://did:plc:a/x.'] }],
    [false, 'another prefix', { subjectPrefixes: ['at://did:plc:a/x.y.z/2'] }],
    [true, 'the subject', { subjects: ['at://did:plc:a/x.y.z/1'] }],
    [
      true,
      'one of many',
      { subjects: ['at://did:plc:a/x.y.z/1', 'did:plc:b'], sources: ['a.b.c:d', 'p.q.r:s.uri'] },
    ],
  ])('%s: %s', (expected, _name, params) => {
    expect(wants(params)).toBe(expected)
  })

  it('is exact to the byte behind the normal form, and prefixes know no segments', () => {
    expect(wants({ subjects: ['at://did:plc:A/x.y.z/1'] })).toBe(false)
    expect(wants({ sources: ['P.q.r:s.uri'] })).toBe(false)
    expect(wants({ sources: ['p.q.r:s'] })).toBe(false)
    expect(wants({ subjectPrefixes: ['did:plc:ab'] }, { subject: 'did:plc:abc' })).toBe(true)
  })

  it('takes a bare DID and the authority of an AT-URI for whose it is, and no other URI', () => {
    expect(wants({ subjectDids: ['did:plc:a'] }, { subject: 'did:plc:a' })).toBe(true)
    expect(wants({ subjectDids: ['someone.example'] }, { subject: 'at://someone.example/x.y.z/1' })).toBe(
      true,
    )
    expect(wants({ subjectDids: ['did:plc:a'] }, { subject: 'https://did:plc:a/' })).toBe(false)
  })
})

describe('beyond the reference', () => {
  it('subjects and the heads of prefixes are normalised at the door', () => {
    expect(wants({ subjects: ['AT://did:plc:a/x.y.z/1/'] })).toBe(true)
    expect(wants({ subjects: ['HTTPS://Example.com/%7Eme'] }, { subject: 'https://example.com/~me' })).toBe(
      true,
    )
    expect(wants({ subjectPrefixes: ['AT://did:plc:a/'] })).toBe(true)
    expect(wants({ subjectPrefixes: ['HTTPS://Example.COM/A'] }, { subject: 'https://example.com/Ab' })).toBe(
      true,
    )
    expect(wants({ subjectPrefixes: ['HTTPS://Example.COM/a'] }, { subject: 'https://example.com/Ab' })).toBe(
      false,
    )
    expect(wants({ subjectPrefixes: ['https://Me:x@h'] }, { subject: 'https://Me:x@host/' })).toBe(true)
  })

  it('collections select sources, exactly or by namespace', () => {
    expect(wants({ sourceCollections: ['p.q.r'] })).toBe(true)
    expect(wants({ sourceCollections: ['p.q.*'] })).toBe(true)
    expect(wants({ sourceCollections: ['p.q.rr'] })).toBe(false)
    expect(wants({ sourceCollections: ['p.*'] })).toBe(true)
    expect(wants({ sourceCollections: ['p.qq.*'] })).toBe(false)
    expect(wants({ sourceCollections: ['x.y.z'], sources: ['p.q.r:s.uri'] })).toBe(true)
  })

  it('[*] stands for any array, so that both paths of mentions match', () => {
    const sources = ['app.bsky.feed.post:facets[*].features[*].did']
    const mention = 'features[app.bsky.richtext.facet#mention].did'
    expect(wants({ sources }, { source: `app.bsky.feed.post:facets[].${mention}` })).toBe(true)
    expect(
      wants({ sources }, { source: `app.bsky.feed.post:facets[app.bsky.richtext.facet].${mention}` }),
    ).toBe(true)
    expect(wants({ sources }, { source: `app.bsky.feed.post:facets[].${mention}x` })).toBe(false)
    expect(wants({ sources }, { source: 'app.bsky.feed.post:facets.features.did' })).toBe(false)
    expect(wants({ sources: ['a.b.c:(d+)+[*]'] }, { source: 'a.b.c:(d+)+[]' })).toBe(true)
  })

  it('authors restrict who links', () => {
    expect(wants({ authors: ['did:plc:liker'] })).toBe(true)
    expect(wants({ authors: ['did:plc:other'] })).toBe(false)
    expect(wants({ authors: ['did:plc:liker'], subjects: ['did:plc:other'] })).toBe(false)
  })

  it('creates are for everybody, changes for who asks', () => {
    const gone = { operation: 'delete' } as const
    const again = { instant: modes.again }
    expect([wants({}, {}), wants({}, again), wants({}, gone)]).toEqual([true, true, false])
    const creates = { operations: ['create'] }
    expect([wants(creates), wants(creates, again), wants(creates, gone)]).toEqual([true, false, false])
    const deletes = { operations: ['delete'] }
    expect([wants(deletes), wants(deletes, again), wants(deletes, gone)]).toEqual([false, false, true])
  })
})

describe('limits', () => {
  it.each([
    ['subjects', 50_000],
    ['subjectPrefixes', 100],
    ['subjectDids', 10_000],
    ['sources', 1_000],
    ['authors', 10_000],
    ['sourceCollections', 100],
  ] as const)('%s: %i, after what is there twice is taken out', (name, max) => {
    const many = Array.from({ length: max }, (_, i) =>
      name === 'sourceCollections' ? `com.example.c${i}` : `did:plc:${i}`,
    )
    expect(() => createFilter({ ...anything, [name]: [...many, many[0]!] }, 'instant')).not.toThrow()
    expect(() => createFilter({ ...anything, [name]: [...many, 'com.example.more'] }, 'instant')).toThrow(
      new FilterError(`too many ${lists[name].param}: at most ${max}`),
    )
  })

  it('what cannot be is refused by name', () => {
    const refusal = (params: Partial<FilterParams>) => () =>
      createFilter({ ...anything, ...params }, 'instant')
    expect(refusal({ authors: ['me'] })).toThrow('wantedAuthors: "me" is not a DID')
    expect(refusal({ operations: ['update'] })).toThrow(/wantedOperations: "update"/)
    expect(refusal({ sourceCollections: ['app.*'] })).not.toThrow()
    expect(refusal({ sourceCollections: ['*'] })).toThrow(/wantedSourceCollections: "\*"/)
  })
})

it('filters that want the same have one key', () => {
  const one = createFilter({ ...anything, subjects: ['did:plc:a', 'did:plc:b'] }, 'instant')
  const other = createFilter({ ...anything, subjects: ['did:plc:b', 'did:plc:a', 'did:plc:a'] }, 'instant')
  const third = createFilter({ ...anything, subjectDids: ['did:plc:a', 'did:plc:b'] }, 'instant')
  expect(other.key).toBe(one.key)
  expect(third.key).not.toBe(one.key)
})
