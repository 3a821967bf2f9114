import { expect, it } from 'vitest'
import { keyedHash } from './keyed-hash.ts'

const key = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7])
const upTo = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i))

it('is HalfSipHash-2-4, by the vectors of its reference', () => {
  const expected = [
    0x5b9f_35a9, 0xb85a_4727, 0x03a6_62fa, 0x04e7_fe8a, 0x8946_6e2a, 0x69b6_fac5, 0x23fc_6358, 0xc563_cf8b,
    0x8f84_b8d0, 0x79e7_06f8,
  ]
  expect(expected.map((_, i) => keyedHash(key, upTo(i)) >>> 0)).toEqual(expected)
})

it('of a text is that of its UTF-16 units, however long it is', () => {
  for (const text of ['', 'a', 'ab', 'https://a.example/🦋', 'x'.repeat(8_191), 'é'.repeat(20_000)]) {
    expect(keyedHash(key, text)).toBe(keyedHash(key, Buffer.from(text, 'utf16le')))
  }
})

it('is another one with another key', () => {
  const other = Buffer.from([1, 1, 2, 3, 4, 5, 6, 7])
  expect(keyedHash(other, 'a')).not.toBe(keyedHash(key, 'a'))
})
