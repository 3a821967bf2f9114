import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { orderBy } from './sorted.ts'

it('sorts as comparing does, and keeps what is equal in its order', () => {
  const item = fc.record({
    number: fc.oneof(fc.nat(5), fc.nat(2 ** 31)),
    second: fc.nat(2),
    name: fc.constantFrom('a', 'b', 'c'),
  })
  fc.assert(
    fc.property(fc.array(item), items => {
      const compareNames = (a: { name: string }, b: { name: string }): number =>
        a.name < b.name ? -1 : a.name > b.name ? 1 : 0
      const order = orderBy(
        Uint32Array.from(items.keys()),
        [place => items[place]!.number, place => items[place]!.second],
        (a, b) => compareNames(items[a]!, items[b]!),
      )
      const expected = items.toSorted(
        (a, b) => a.number - b.number || a.second - b.second || compareNames(a, b),
      )
      expect(order).toHaveLength(items.length)
      for (const [i, place] of order.entries()) expect(items[place]).toBe(expected[i])
    }),
  )
})

it('refuses numbers that leave no room for places', () => {
  expect(() => orderBy(Uint32Array.of(0, 1), [() => 2 ** 53], () => 0)).toThrow(RangeError)
})
