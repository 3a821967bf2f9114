import { expect, it } from 'vitest'
import { hashOfPlace } from './place-index.ts'

it('spreads keys that were chosen to lie together', () => {
  const slots = new Set<number>()
  // The halves of each key differ from each other in the same bits.
  for (let high = 0; high < 10_000; high++) {
    const tid = high * 2 ** 20 + (high ^ 0x5_a5a5)
    slots.add(hashOfPlace({ hour: 472_222, did: 1, collection: 1, tid, text: undefined }) % 2 ** 16)
  }
  // By chance it would be 9,275.
  expect(slots.size).toBeGreaterThan(8_000)
})
