import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../test/runs.ts'
import { Names } from './names.ts'

const list = [
  'seq',
  'repo',
  'rev',
  'since',
  'commit',
  'prevData',
  'ops',
  'blocks',
  'time',
  'tooBig',
  'rebase',
] as const
const names = new Names(list)

describe('names', () => {
  it('are found as a look-up of strings would find them, wherever in the bytes', () => {
    const near = fc.tuple(fc.constantFrom(...list), fc.nat(), fc.nat(8)).map(([name, at, bit]) => {
      const bytes = Buffer.from(name)
      if (bit === 8) return bytes.subarray(0, at % (bytes.length + 1))
      // One bit of one character, as what is found by its ends must still be compared.
      bytes[at % bytes.length]! ^= 1 << bit
      return bytes
    })
    const others = fc.constantFrom(...list, 'constructor', '__proto__', 'séq').map(name => Buffer.from(name))
    fc.assert(
      fc.property(fc.oneof(near, others), fc.nat(3), (text, before) => {
        const bytes = Buffer.concat([Buffer.alloc(before, 'x'), text, Buffer.from('y')])
        const expected = list.find(name => name === text.toString('latin1'))
        expect(names.at(bytes, before, bytes.length - 1)).toBe(expected)
      }),
      runs(3000),
    )
  })

  it('that cannot be told apart by length and ends are refused where they are listed', () => {
    expect(() => new Names(['abc', 'axc'])).toThrow('falls together')
  })
})
