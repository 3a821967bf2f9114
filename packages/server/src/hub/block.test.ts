import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { entryAt, indexAt } from './block.ts'
import { blockOf, makeEntry } from './testing/entries.ts'

const positions = fc
  .uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40, size: 'max' })
  .map(list => list.toSorted((a, b) => a - b))

it('finds the first entry at or behind a position', () => {
  fc.assert(
    fc.property(positions, fc.integer({ min: 0, max: 210 }), (list, position) => {
      const block = blockOf(list.map(at => makeEntry(at, 0)))
      const index = list.findIndex(at => at >= position)
      expect(indexAt(block, position)).toBe(index < 0 ? block.count : index)
    }),
  )
})

it('knows its ends and gives each entry', () => {
  const entries = [makeEntry(5, 1, 3), makeEntry(9, 2), makeEntry(10, 0, 100)]
  const block = blockOf(entries)
  expect([block.count, block.first, block.last]).toEqual([3, 5, 10])
  expect(entries.map((_, i) => entryAt(block, i).toString())).toEqual(entries.map(entry => entry.text))
  expect([...block.positions]).toEqual([5, 9, 10])
})
