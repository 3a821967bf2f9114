import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { sortByNumber } from './sorted.ts'

it('sorts as comparing does, and keeps what is equal in its order', () => {
  const item = fc.record({
    number: fc.oneof(fc.nat(5), fc.nat(2 ** 31)),
    name: fc.constantFrom('a', 'b', 'c'),
  })
  fc.assert(
    fc.property(fc.array(item), items => {
      const compareNames = (a: { name: string }, b: { name: string }): number =>
        a.name < b.name ? -1 : a.name > b.name ? 1 : 0
      const sorted = sortByNumber(items, ({ number }) => number, compareNames)
      const expected = items.toSorted((a, b) => a.number - b.number || compareNames(a, b))
      expect(sorted).toHaveLength(items.length)
      for (const [i, each] of sorted.entries()) expect(each).toBe(expected[i])
    }),
  )
})

it('refuses numbers that leave no room for places', () => {
  expect(() =>
    sortByNumber(
      [2 ** 53, 1],
      number => number,
      () => 0,
    ),
  ).toThrow(RangeError)
})
