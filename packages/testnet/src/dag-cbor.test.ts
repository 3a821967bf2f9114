import { describe, expect, it } from 'vitest'
import { type DataValue, decodeCbor, encodeCbor } from './dag-cbor.ts'
import { interopJson, SHARED_DATA_ABSENT } from './shared-data.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

// Written by hand from RFC 8949, appendix A, and the DAG-CBOR rules.
const vectors: readonly (readonly [DataValue, string])[] = [
  [null, 'f6'],
  [true, 'f5'],
  [false, 'f4'],
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [255, '18ff'],
  [256, '190100'],
  [65_536, '1a00010000'],
  [4_294_967_296, '1b0000000100000000'],
  [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
  [-1, '20'],
  [-1_000, '3903e7'],
  ['ü', '62c3bc'],
  [Uint8Array.of(1, 2), '420102'],
  [[1, [2]], '82018102'],
  [{ op: 1, t: '#commit' }, 'a261746723636f6d6d6974626f7001'],
]

describe('encodeCbor', () => {
  it.each(vectors)('writes %j as %s', (value, expected) => {
    expect(hex(encodeCbor(value))).toBe(expected)
    expect(decodeCbor(encodeCbor(value)).value).toEqual(value)
  })

  it('sorts keys by length, then by bytes, and leaves out what is undefined', () => {
    const bytes = encodeCbor({ op: 1, t: 2, aa: 3, gone: undefined })
    expect(hex(bytes)).toBe('a361740262616103626f7001')
  })

  it('reads `$bytes` and `$link` as JSON files have them', () => {
    const link = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
    expect(hex(encodeCbor({ $bytes: 'AQI' }))).toBe('420102')
    const bytes = encodeCbor({ $link: link })
    expect(hex(bytes)).toMatch(/^d82a58250001711220/)
    expect(decodeCbor(bytes)).toEqual({ value: { $link: link }, end: bytes.length })
  })

  it('refuses fractions and what is beyond 2^53', () => {
    expect(() => encodeCbor(0.5)).toThrow(TypeError)
    expect(() => encodeCbor(2 ** 53)).toThrow(TypeError)
    expect(() => encodeCbor({ $link: 'bafy!' })).toThrow(TypeError)
  })

  it('agrees with the fixtures of the interop tests', async context => {
    const file = 'data-model/data-model-fixtures.json'
    const fixtures = await interopJson<{ json: DataValue; cbor_base64: string }[]>(file)
    context.skip(fixtures === undefined, SHARED_DATA_ABSENT)
    expect(fixtures?.length).toBeGreaterThan(0)
    for (const { json, cbor_base64 } of fixtures ?? []) {
      expect(Buffer.from(encodeCbor(json)).toString('base64').replaceAll('=', '')).toBe(cbor_base64)
    }
  })
})

describe('decodeCbor', () => {
  it('goes on where told, and says where the item ends', () => {
    expect(decodeCbor(Buffer.from('0102f6', 'hex'), 1)).toEqual({ value: 2, end: 2 })
  })

  it.each(['', '18', '42ff', '62', '8201', 'a16161', 'd82a'])('throws on the torn item %j', bytes => {
    expect(() => decodeCbor(Buffer.from(bytes, 'hex'))).toThrow(RangeError)
  })

  it.each(['f7', 'fb3ff0000000000000', '9fff', 'a10102', 'c100'])('throws on %s', bytes => {
    expect(() => decodeCbor(Buffer.from(bytes, 'hex'))).toThrow(TypeError)
  })
})
