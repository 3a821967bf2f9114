import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type FilterChange, isExact, plan, play } from './testing/delivery.ts'
import { makeEntry } from './testing/entries.ts'

it(
  'sends each subscriber exactly what it wants from its position on, in order',
  { timeout: 120_000 },
  async () => {
    const property = fc.asyncProperty(plan, play)
    await expect(fc.assert(property, { numRuns: 100, endOnFailure: true })).resolves.toBeUndefined()
  },
)

it('judges rightly', () => {
  const entries = [1, 2, 3, 4, 5, 6].map(position => makeEntry(position, position % 2))
  const all: FilterChange[] = [{ from: 2, tags: undefined }]
  expect(isExact(entries, all, [2, 3, 4, 5, 6], 0)).toBe(true)
  expect(isExact(entries, all, [2, 3, 5, 6], 0)).toBe(false)
  expect(isExact(entries, all, [2, 3, 3, 4, 5, 6], 0)).toBe(false)
  expect(isExact(entries, all, [2, 3, 4, 5], 0)).toBe(false)
  expect(isExact(entries, all, [2, 4, 3, 5, 6], 0)).toBe(false)
  const changed: FilterChange[] = [...all, { from: 4, tags: [1] }]
  expect(isExact(entries, changed, [2, 3, 5], 0)).toBe(true)
  expect(isExact(entries, changed, [2, 3, 4, 5], 0)).toBe(false)
  expect(isExact(entries, changed, [2, 3, 4, 5], 1)).toBe(true)
  expect(isExact(entries, changed, [2, 3, 4, 5, 6], 1)).toBe(false)
})
