import { tidFromTimeUs } from '@orrery/repo'
import { QueryParams } from '@orrery/server'
import { describe, expect, it } from 'vitest'
import { readDids, readLegacyDids } from './dids.ts'
import { readCollectionAndPath, readPathToOther, readSource } from './source.ts'
import { readSubject } from './subject.ts'
import { readTime } from './time.ts'

/** Parameters as they are after decoding; repeated ones as pairs. */
function of(params: Record<string, string> | string[][]): QueryParams {
  const pairs = Array.isArray(params) ? params : Object.entries(params)
  const grouped = Map.groupBy(pairs, ([name]) => name!)
  const values = Array.from(grouped, ([name, own]) => [
    name,
    own.length > 1 ? own.map(([, value]) => value) : own[0]![1],
  ])
  return new QueryParams(Object.fromEntries(values))
}

describe('readTime', () => {
  const ms = Date.parse('2026-01-31T12:00:00Z')
  it.each([
    ['2026-01-31T12:00:00Z', ms],
    ['2026-01-31T12:00:00.123456Z', ms + 123],
    ['2026-01-31T13:30:00+01:30', ms],
    ['2026-01-31t12:00:00z', ms],
    ['2026-01-31T12:00Z', ms],
    ['2026-01-31', Date.parse('2026-01-31T00:00:00Z')],
    ['2028-02-29T23:59:59Z', Date.parse('2028-02-29T23:59:59Z')],
    ['0000-01-01', Date.parse('0000-01-01')],
    [String(ms), ms],
    ['0', 0],
    [tidFromTimeUs(ms * 1000 + 999, 5), ms],
  ])('%s', (text, expected) => {
    expect(readTime(of({ since: text }), 'since')).toBe(expected)
  })

  it('is absent where it is empty', () => {
    expect(readTime(of({}), 'since')).toBeUndefined()
    expect(readTime(of({ since: '' }), 'since')).toBeUndefined()
  })

  it.each([
    'yesterday',
    '-1',
    '1.5',
    '2026-13-01',
    '2026-02-29',
    '2026-04-31T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31 12:00:00Z',
    '2026-01-31T12:00:00',
    '31.01.2026',
    `${ms}000`,
    '999999999999999',
    '3laaaaaaaaa2',
    '1laaaaaaaaa2a',
    'NaN',
  ])('refuses %s', text => {
    expect(() => readTime(of({ since: text }), 'since')).toThrow('Parameter "since" must be a time')
  })
})

describe('a source', () => {
  it('is split at the first colon, and its path gets a dot', () => {
    expect(readSource(of({ source: 'app.bsky.feed.like:subject.uri' }))).toEqual({
      collection: 'app.bsky.feed.like',
      path: '.subject.uri',
    })
    expect(readSource(of({ source: 'a.b.c:d:e' })).path).toBe('.d:e')
    expect(readSource(of({ source: 'a.b.c:' })).path).toBe('.')
    expect(readSource(of({ source: 'a.b.c:.d' })).path).toBe('..d')
    expect(
      readSource(
        of({ source: 'a.b.c:facets[app.bsky.richtext.facet].features[app.bsky.richtext.facet#link].uri' }),
      ).path,
    ).toContain('#link')
  })

  it.each([
    'a.b.c',
    ':x',
    'like:subject',
    'a..c:x',
    'a.b.c :x',
    'did:plc:abc:x',
    `a.b.c:${'x'.repeat(2048)}`,
    `${'a.'.repeat(200)}b:x`,
  ])('is refused where it cannot be: %.60s', source => {
    expect(() => readSource(of({ source }))).toThrow('Parameter "source"')
  })

  it('is in two parameters on older routes, where the path is as extracted', () => {
    expect(readCollectionAndPath(of({ collection: 'a.b.c', path: '.d' }))).toEqual({
      collection: 'a.b.c',
      path: '.d',
    })
    expect(readCollectionAndPath(of({ collection: 'a.b.c', path: '' })).path).toBe('')
    expect(() => readCollectionAndPath(of({ collection: 'like', path: '.d' }))).toThrow('"collection"')
    expect(() => readCollectionAndPath(of({ path: '.d' }))).toThrow('"collection" is missing')
    expect(() => readCollectionAndPath(of({ collection: 'a.b.c' }))).toThrow('"path" is missing')
    expect(() => readCollectionAndPath(of({ collection: 'a.b.c', path: '.'.repeat(2049) }))).toThrow('"path"')
  })

  it('has another side without its dot', () => {
    expect(readPathToOther(of({ pathToOther: 'list' }))).toBe('.list')
    expect(() => readPathToOther(of({}))).toThrow('"pathToOther" is missing')
  })
})

describe('a subject', () => {
  it('is any text of a length that targets have', () => {
    expect(readSubject(of({ subject: 'anything' }), 'subject')).toBe('anything')
    expect(readSubject(of({ subject: 'x'.repeat(8192) }), 'subject')).toHaveLength(8192)
    expect(() => readSubject(of({ subject: 'x'.repeat(8193) }), 'subject')).toThrow(
      '"subject" has more than 8192',
    )
    expect(() => readSubject(of({ subject: '' }), 'subject')).toThrow('"subject" is empty')
  })
})

describe('a filter of DIDs', () => {
  const many = (count: number): string[][] => Array.from({ length: count }, (_, i) => ['did', `did:plc:${i}`])

  it('is each once, and none where nothing is given', () => {
    expect(
      readDids(
        of([
          ['did', ' did:plc:b'],
          ['did', 'did:plc:a '],
          ['did', ''],
          ['did', 'did:plc:b'],
        ]),
        'did',
      ),
    ).toEqual(['did:plc:b', 'did:plc:a'])
    expect(readDids(of({ did: ' ' }), 'did')).toBeUndefined()
    expect(readDids(of({}), 'did')).toBeUndefined()
  })

  it('has an end', () => {
    expect(readDids(of(many(1000)), 'did')).toHaveLength(1000)
    expect(() => readDids(of(many(1001)), 'did')).toThrow('Parameter "did" is given 1001 times; at most 1000')
    expect(() => readLegacyDids(of({ from_dids: ','.repeat(1000) }))).toThrow('"from_dids"')
  })

  it.each(['alice.example', 'did:', 'did:plc:', 'did:PLC:a', 'did:plc:a b', `did:plc:${'a'.repeat(2048)}`])(
    'refuses %.40s',
    did => {
      expect(() => readDids(of({ linkDid: did }), 'linkDid')).toThrow('Parameter "linkDid" must be a DID')
    },
  )

  it('has an older form, split at commas and nothing else', () => {
    expect(readLegacyDids(of({ from_dids: 'did:plc:a, did:plc:b,' }))).toEqual([
      'did:plc:a',
      ' did:plc:b',
      '',
    ])
    expect(readLegacyDids(of({ from_dids: '' }))).toBeUndefined()
    expect(readLegacyDids(of({ from_dids: 'did:plc:a', did: ' ' }))).toEqual(['did:plc:a'])
    expect(() => readLegacyDids(of({ from_dids: 'did:plc:a', did: 'did:plc:b' }))).toThrow(
      'cannot be combined',
    )
  })
})
