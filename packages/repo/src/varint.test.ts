import * as fc from 'fast-check'
import { varint } from 'multiformats'
import { describe, expect, it } from 'vitest'
import { encodeVarint, readVarint } from './varint.ts'

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 32, 2 ** 35 - 1),
)

describe('a varint', () => {
  it('is the one of multiformats, and reads back', () => {
    fc.assert(
      fc.property(lengths, fc.uint8Array({ maxLength: 3 }), (value, behind) => {
        const own = encodeVarint(value)
        expect(own).toEqual(varint.encodeTo(value, new Uint8Array(own.length)))
        const bytes = Uint8Array.from([0xff, ...own, ...behind])
        expect(readVarint(bytes, 1, bytes.length)).toEqual({ value, next: own.length + 1 })
      }),
    )
  })

  it('is not there yet where it is cut', () => {
    const bytes = encodeVarint(2 ** 34)
    for (let end = 0; end < bytes.length; end++) expect(readVarint(bytes, 0, end)).toBeUndefined()
    expect(readVarint(bytes, 0, bytes.length)?.value).toBe(2 ** 34)
  })

  it('is nothing where it goes on for more than five bytes', () => {
    expect(readVarint(new Uint8Array(20).fill(0x80), 0, 20)?.value).toBe(-1)
  })
})
