import { expect, it } from 'vitest'
import { crashRounds } from './crash-rounds.ts'

it('what was killed under load sends what an unbroken one would, held links too, each once', async () => {
  const { got, wanted, times, heldAtKills } = await crashRounds({ kills: 3, seed: 7 })
  expect(got.instant).toEqual(wanted.instant)
  expect(got.delayed).toEqual(wanted.delayed)
  for (const some of [times.instant, times.delayed]) {
    expect(some.every((time, i) => i === 0 || time > some[i - 1]!)).toBe(true)
  }
  // It was killed with links held, and some were undone.
  expect(heldAtKills.every(held => held > 0)).toBe(true)
  expect(wanted.delayed.flat().length).toBeLessThan(wanted.instant.flat().length)
  expect(wanted.instant.flat().some(text => text.startsWith('-'))).toBe(true)
}, 300_000)
