import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { packDid, plcGroup, unpackDid } from './did.ts'
import { PlcNumbers } from './plc-numbers.ts'

const digit = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567'.split(''))
const plc = fc.string({ unit: digit, minLength: 24, maxLength: 24 }).map(text => `did:plc:${text}`)
const odd = ['did:web:x.example', 'did:plc:', `did:plc:${'a'.repeat(23)}`, `did:plc:${'a'.repeat(23)}1`]

it('is fifteen bytes where it is a did:plc, and comes back', () => {
  fc.assert(
    fc.property(plc, did => {
      const packed = packDid(did)
      expect(packed).toHaveLength(15)
      expect(unpackDid(packed)).toBe(did)
    }),
  )
  for (const did of [...odd, `did:plc:${'A'.repeat(24)}`, `did:plc:${'é'.repeat(24)}`]) {
    expect(packDid(did)).toBe(did)
    expect(unpackDid(did)).toBe(did)
  }
})

it('has a number that is remembered, or not, and never another one', () => {
  fc.assert(
    fc.property(fc.uniqueArray(plc, { maxLength: 60 }), dids => {
      const numbers = new PlcNumbers(16)
      const groups = dids.map(
        did => [0, 1, 2, 3].map(i => plcGroup(did, i)) as [number, number, number, number],
      )
      for (const [i, did] of groups.entries()) {
        expect(numbers.get(...did)).toBeUndefined()
        numbers.set(...did, i + 1)
        expect(numbers.get(...did)).toBe(i + 1)
      }
      for (const [i, did] of groups.entries()) expect([undefined, i + 1]).toContain(numbers.get(...did))
      numbers.clear()
      for (const did of groups) expect(numbers.get(...did)).toBeUndefined()
    }),
  )
})
