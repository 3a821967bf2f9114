import { expect, it } from 'vitest'
import { mergeAtRandom } from './support/merging.ts'

it('two relays that differ in order, holes and outages are together the whole, whatever happens', async () => {
  let runs = 0
  for (let seed = 1; seed <= 150; seed++, runs++) await mergeAtRandom(seed)
  expect(runs).toBe(150)
})
