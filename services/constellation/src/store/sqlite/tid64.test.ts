import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseRkey } from './rkey.ts'
import { compareTids, parseTid64, readTid64, tidOfRkey, writeTid64 } from './tid64.ts'

const first = fc.constantFrom(...'234567abcdefghij'.split(''))
const digit = fc.constantFrom(...'234567abcdefghijklmnopqrstuvwxyz'.split(''))
const tid = fc
  .tuple(first, fc.string({ unit: digit, minLength: 12, maxLength: 12 }))
  .map(([head, rest]) => head + rest)

it('is in the order of the texts, and comes back from its eight bytes', () => {
  fc.assert(
    fc.property(tid, tid, (a, b) => {
      expect(Math.sign(compareTids(parseTid64(a), parseTid64(b)))).toBe(a < b ? -1 : a > b ? 1 : 0)
      const bytes = Buffer.alloc(8)
      writeTid64(bytes, 0, parseTid64(a))
      expect(readTid64(bytes, 0)).toEqual(parseTid64(a))
    }),
  )
})

it('is the same from a record key', () => {
  for (const text of ['2222222222222', '3jzfcijpj2z2a', '3lzzzzzzzzzzz']) {
    const rkey = parseRkey(text)
    expect('micros' in rkey && tidOfRkey(rkey)).toEqual(parseTid64(text))
  }
})

it.each(['', '3jzfcijpj2z2', '3jzfcijpj2z2aa', 'k222222222222', '1222222222222', '222222222222é'])(
  'is not %j',
  text => {
    expect(() => parseTid64(text)).toThrow('no TID')
  },
)
