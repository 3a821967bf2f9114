import { describe, expect, it } from 'vitest'
import { QueryError, readCursor, readMaxBytes, readSubscribeQuery } from './query.ts'

function read(query: string, headers: Record<string, string | string[]> = {}) {
  return readSubscribeQuery({ url: `/subscribe${query}`, headers })
}

const nothing = {
  filter: { collections: [], dids: [], kinds: [], maxBytes: 0 },
  cursor: undefined,
  compress: false,
  requireHello: false,
  heartbeatMs: 0,
}

describe('readSubscribeQuery', () => {
  it.each(['', '?', '?unknown=1&maxSize=5', '?Cursor=5&COMPRESS=true', '?&&='])(
    'takes nothing from %j',
    query => {
      expect(read(query)).toEqual(nothing)
    },
  )

  it('has no query where there is no address', () => {
    expect(readSubscribeQuery({ headers: {} })).toEqual(nothing)
  })

  it('takes lists as repeated parameters, and commas as they are', () => {
    const { filter } = read(
      '?wantedCollections=a.b.c&wantedDids=did:plc:x&wantedCollections=d.e.*&wantedDids=did:web:a%253A1&wantedKinds=commit&wantedKinds=account',
    )
    expect(filter).toEqual({
      collections: ['a.b.c', 'd.e.*'],
      dids: ['did:plc:x', 'did:web:a%3A1'],
      kinds: ['commit', 'account'],
      maxBytes: 0,
    })
    expect(read('?wantedCollections=a.b.c,d.e.f').filter.collections).toEqual(['a.b.c,d.e.f'])
    expect(read('?wantedCollections=&wantedDids').filter).toMatchObject({ collections: [''], dids: [''] })
  })

  it('does not lose what follows a second question mark', () => {
    expect(read('?wantedDids=did:web:a?b&compress=true')).toMatchObject({
      filter: { dids: ['did:web:a?b'] },
      compress: true,
    })
  })

  it.each(['?cursor=%', '?wantedDids=did:web:a%3', '?x=%zz', '?%g0=1'])('refuses the escape in %j', query => {
    expect(() => read(query)).toThrow(new QueryError('the query has a % that is no escape'))
  })

  it.each([
    ['?compress=true', true],
    ['?compress=True', false],
    ['?compress=1', false],
    ['?compress=', false],
    ['?compress=false&compress=true', false],
  ])('compresses for %j: %j', (query, compress) => {
    expect(read(query).compress).toBe(compress)
  })

  it.each([
    ['zstd', true],
    ['gzip, zstd;q=1', true],
    [['gzip', 'zstd'], true],
    ['gzip', false],
    ['ZSTD', false],
  ])('compresses for the header Socket-Encoding %j: %j', (value, compress) => {
    expect(read('', { 'socket-encoding': value }).compress).toBe(compress)
    expect(read('?compress=true', { 'socket-encoding': value }).compress).toBe(true)
  })

  it.each([
    ['true', true],
    ['True', false],
    ['1', false],
    ['yes', false],
    ['', false],
  ])('requires a hello for %j: %j', (value, requireHello) => {
    expect(read(`?requireHello=${value}`).requireHello).toBe(requireHello)
  })

  it.each([
    ['1', 1_000],
    ['30', 30_000],
    ['3600', 3_600_000],
  ])('takes a heartbeat of %s seconds', (value, heartbeatMs) => {
    expect(read(`?heartbeat=${value}`).heartbeatMs).toBe(heartbeatMs)
  })

  it.each(['0', '3601', '-1', '1.5', 'x', '1e3', '100000'])('refuses a heartbeat of %s', value => {
    expect(() => read(`?heartbeat=${value}`)).toThrow(
      new QueryError(`invalid heartbeat: ${value}; it is a number of seconds from 1 to 3600`),
    )
  })
})

describe('the size cap', () => {
  it.each([
    ['', 0],
    ['0', 0],
    ['1', 1],
    ['1000000', 1_000_000],
    ['4294967295', 4_294_967_295],
    ['4294967296', 0],
    ['4294967297', 0],
    ['99999999999999999999', 0],
    ['-5', 0],
    ['abc', 0],
    ['1.5', 0],
    ['5 ', 0],
  ])('%j is %d', (text, bytes) => {
    expect(readMaxBytes(text)).toBe(bytes)
    expect(read(`?maxMessageSizeBytes=${encodeURIComponent(text)}`).filter.maxBytes).toBe(bytes)
  })
})

describe('the cursor', () => {
  it.each([
    ['', undefined],
    ['0', 0],
    ['00', 0],
    ['1725519626134432', 1_725_519_626_134_432],
    ['+1725519626134432', 1_725_519_626_134_432],
    ['0001725519626134432', 1_725_519_626_134_432],
    // Microseconds from the first on that 16 digits can say.
    ['1000000000000000', 1_000_000_000_000_000],
    ['9007199254740991', 9_007_199_254_740_991],
    // Beyond what a double tells apart it is the future anyway.
    ['9223372036854775807', 2 ** 63],
    // Seconds and milliseconds, by the number of their digits.
    ['1725519626', 1_725_519_626_000_000],
    ['1000000000', 1_000_000_000_000_000],
    ['9999999999', 9_999_999_999_000_000],
    ['1725519626134', 1_725_519_626_134_000],
    ['1000000000000', 1_000_000_000_000_000],
    ['9999999999999', 9_999_999_999_999_000],
  ])('%j is %d', (text, cursor) => {
    expect(readCursor(text)).toBe(cursor)
    expect(read(`?cursor=${encodeURIComponent(text)}`).cursor).toBe(cursor)
  })

  it.each([
    ['abc', 'invalid cursor: abc'],
    ['1.5', 'invalid cursor: 1.5'],
    ['0x10', 'invalid cursor: 0x10'],
    ['1e15', 'invalid cursor: 1e15'],
    [' 1725519626134432', 'invalid cursor:  1725519626134432'],
    ['+', 'invalid cursor: +'],
    ['9223372036854775808', 'invalid cursor: 9223372036854775808'],
    ['99999999999999999999', 'invalid cursor: 99999999999999999999'],
    ['x'.repeat(100), `invalid cursor: ${'x'.repeat(40)}`],
    ['-1', 'invalid cursor: -1; it is negative'],
    ['-1725519626134432', 'invalid cursor: -1725519626134432; it is negative'],
    ['1', 'invalid cursor: 1; it is a time in microseconds since 1970'],
    ['999999999', 'invalid cursor: 999999999; it is a time in microseconds since 1970'],
    ['10000000000', 'invalid cursor: 10000000000; it is a time in microseconds since 1970'],
    ['999999999999', 'invalid cursor: 999999999999; it is a time in microseconds since 1970'],
    ['10000000000000', 'invalid cursor: 10000000000000; it is a time in microseconds since 1970'],
    ['999999999999999', 'invalid cursor: 999999999999999; it is a time in microseconds since 1970'],
  ])('%j is refused', (text, message) => {
    expect(() => readCursor(text)).toThrow(new QueryError(message))
  })
})
