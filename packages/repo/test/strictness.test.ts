import { describe, expect, it } from 'vitest'
import { ByteSink, decodeCbor, maxDepth, RecordTranscoder, type RepoErrorCode } from '../src/index.ts'
import { hex, refusal } from './refused.ts'

/** A map of one entry, `{"a": item}`, of the item in hex: what goes for a value goes for one in a record. */
function inMap(item: string): Uint8Array {
  return hex(`a1 6161 ${item}`)
}

function nested(open: number, levels: number, innermost: number): Uint8Array {
  const bytes = new Uint8Array(levels + 1).fill(open)
  bytes[levels] = innermost
  return bytes
}

const digest = '00'.repeat(32)

/** What is not canonical DAG-CBOR with links of atproto, and why each is refused: a clause of the format, or of atproto. */
const refused: [name: string, bytes: Uint8Array, code: RepoErrorCode][] = [
  ['nothing at all', new Uint8Array(0), 'cbor_truncated'],
  ['a map that lacks its last value', hex('a2 6161 01 6162'), 'cbor_truncated'],
  ['a text that ends early', inMap('63 6161'), 'cbor_truncated'],
  ['bytes that end early', inMap('43 0000'), 'cbor_truncated'],
  ['a head that ends early', inMap('1a 000100'), 'cbor_truncated'],
  ['a float that ends early', inMap('fb 3ff80000'), 'cbor_truncated'],
  ['a byte behind the item', hex('a1 6161 01 00'), 'cbor_trailing'],

  // One value has one form, or two records with different CIDs would be the same record.
  ['an integer in more bytes than it needs', inMap('18 17'), 'cbor_non_minimal'],
  ['a 16-bit integer that fits 8', inMap('19 00ff'), 'cbor_non_minimal'],
  ['a 32-bit integer that fits 16', inMap('1a 0000ffff'), 'cbor_non_minimal'],
  ['a 64-bit integer that fits 32', inMap('1b 00000000ffffffff'), 'cbor_non_minimal'],
  ['a negative integer in more bytes than it needs', inMap('38 00'), 'cbor_non_minimal'],
  ['a text length in more bytes than it needs', inMap('78 01 61'), 'cbor_non_minimal'],
  ['a tag in more bytes than it needs', inMap(`d9 002a 5825 00 01711220 ${digest}`), 'cbor_non_minimal'],
  ['a reserved length', inMap('1c'), 'cbor_non_minimal'],
  ['text of indefinite length', inMap('7f 6161 ff'), 'cbor_indefinite'],
  ['bytes of indefinite length', inMap('5f 4100 ff'), 'cbor_indefinite'],
  ['an array of indefinite length', inMap('9f 01 ff'), 'cbor_indefinite'],
  ['a map of indefinite length', hex('bf 6161 01 ff'), 'cbor_indefinite'],
  ['a break without a beginning', inMap('ff'), 'cbor_indefinite'],

  ['keys out of order', hex('a2 6162 01 6161 02'), 'cbor_bad_key'],
  ['keys by their bytes rather than their length first', hex('a2 626161 01 6162 02'), 'cbor_bad_key'],
  ['a key twice', hex('a2 6161 01 6161 02'), 'cbor_bad_key'],
  ['__proto__ twice', hex('a2 695f5f70726f746f5f5f 01 695f5f70726f746f5f5f 02'), 'cbor_bad_key'],
  ['an integer as a key', hex('a1 01 02'), 'cbor_bad_key'],
  ['bytes as a key', hex('a1 4161 02'), 'cbor_bad_key'],

  ['a byte that UTF-8 never has', inMap('61 ff'), 'cbor_bad_utf8'],
  ['half of a UTF-8 sequence', inMap('61 c3'), 'cbor_bad_utf8'],
  ['an overlong slash', inMap('62 c0af'), 'cbor_bad_utf8'],
  ['a surrogate in UTF-8', inMap('63 eda080'), 'cbor_bad_utf8'],
  ['a character above U+10FFFF', inMap('64 f4908080'), 'cbor_bad_utf8'],
  ['bad UTF-8 in a key', hex('a1 61 ff 01'), 'cbor_bad_utf8'],

  ['undefined', inMap('f7'), 'cbor_bad_simple'],
  ['a simple value without a meaning', inMap('e0'), 'cbor_bad_simple'],
  ['a simple value in two bytes', inMap('f8 ff'), 'cbor_bad_simple'],
  ['true in two bytes', inMap('f8 15'), 'cbor_bad_simple'],
  ['a float of 16 bits', inMap('f9 3e00'), 'cbor_bad_float'],
  ['a float of 32 bits', inMap('fa 3fc00000'), 'cbor_bad_float'],
  ['not a number', inMap('fb 7ff8000000000000'), 'cbor_bad_float'],
  ['infinity', inMap('fb 7ff0000000000000'), 'cbor_bad_float'],
  ['minus infinity', inMap('fb fff0000000000000'), 'cbor_bad_float'],
  ['2^63', inMap('1b 8000000000000000'), 'cbor_bad_int'],
  ['2^64 - 1', inMap('1b ffffffffffffffff'), 'cbor_bad_int'],
  ['-2^63 - 1', inMap('3b 8000000000000000'), 'cbor_bad_int'],

  ['a tag that is not 42', inMap('c1 01'), 'cbor_bad_tag'],
  ['a bignum', inMap('c2 49 010000000000000000'), 'cbor_bad_tag'],
  ['a link of text', inMap('d82a 6161'), 'cbor_bad_tag'],
  ['a link without the zero in front', inMap(`d82a 5824 01711220 ${digest}`), 'cbor_bad_tag'],
  ['a link with another byte in front', inMap(`d82a 5825 01 01711220 ${digest}`), 'cbor_bad_tag'],
  ['a link that is too short', inMap('d82a 41 00'), 'cbor_bad_tag'],
  ['a link that ends early', inMap('d82a 5825 00 01711220 00'), 'cbor_bad_tag'],
  ['a link with one byte too many', inMap(`d82a 5826 00 01711220 ${digest} 00`), 'cbor_bad_tag'],
  ['a CIDv0', inMap(`d82a 5823 00 1220 ${digest}`), 'cbor_bad_tag'],
  ['a sha-512 link', inMap(`d82a 5845 00 01711340 ${digest}${digest}`), 'cbor_bad_tag'],
  ['a link of a hash that is as long as sha-256', inMap(`d82a 5825 00 01711620 ${digest}`), 'cid_invalid'],
  ['a dag-pb link', inMap(`d82a 5825 00 01701220 ${digest}`), 'cid_invalid'],
  ['a link of version 2', inMap(`d82a 5825 00 02711220 ${digest}`), 'cid_invalid'],

  ['20,000 arrays', nested(0x81, 20_000, 0x80), 'cbor_too_deep'],
  ['20,000 arrays that never end', nested(0x81, 20_000, 0x81), 'cbor_too_deep'],
  ['20,000 maps', hex(`${'a1 6161'.repeat(20_000)} 01`), 'cbor_too_deep'],
]

describe('strict DAG-CBOR refuses', () => {
  it.each(refused)('%s', (_, bytes, code) => {
    expect(refusal(() => decodeCbor(bytes))).toBe(code)
  })
})

describe('a record is refused for the same', () => {
  const transcoder = new RecordTranscoder()

  it.each(refused)('%s', (_, bytes, code) => {
    const sink = new ByteSink(8)
    sink.ascii('before')
    const isMap = bytes[0]! >>> 5 === 5
    expect(refusal(() => transcoder.write(bytes, 0, bytes.length, sink))).toBe(isMap ? code : 'not_a_map')
    expect(sink.view().toString()).toBe('before')
  })

  it.each(['f6', '80', '00', '6161', 'fb 3ff0000000000000'])('not being a map: %s', item => {
    const bytes = hex(item)
    expect(refusal(() => transcoder.write(bytes, 0, bytes.length, new ByteSink(8)))).toBe('not_a_map')
  })
})

describe('strict DAG-CBOR takes', () => {
  it('__proto__ as a key like any other', () => {
    const decoded = decodeCbor(hex('a1 695f5f70726f746f5f5f a1 6161 01')) as object
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(Object.entries(decoded)).toEqual([['__proto__', { a: 1 }]])
  })

  it('finite floats of 64 bits, as DAG-CBOR has them', () => {
    expect(decodeCbor(hex('fb 3ff8000000000000'))).toBe(1.5)
  })

  it('integers to the ends of 64 bits with a sign', () => {
    expect(decodeCbor(hex('1b 7fffffffffffffff'))).toBe(2n ** 63n - 1n)
    expect(decodeCbor(hex('3b 7fffffffffffffff'))).toBe(-(2n ** 63n))
  })

  it(`${maxDepth} arrays one in another, and not one more`, () => {
    const fits = nested(0x81, maxDepth - 1, 0x80)
    expect(refusal(() => decodeCbor(fits))).toBeUndefined()
    expect(refusal(() => decodeCbor(nested(0x81, maxDepth, 0x80)))).toBe('cbor_too_deep')

    // The same for a record, whose map is the first of them.
    const transcoder = new RecordTranscoder()
    const depths = [maxDepth - 2, maxDepth - 1].map(levels => {
      const bytes = Buffer.concat([hex('a1 6161'), nested(0x81, levels, 0x80)])
      return refusal(() => transcoder.write(bytes, 0, bytes.length, new ByteSink(8)))
    })
    expect(depths).toEqual([undefined, 'cbor_too_deep'])
  })
})
