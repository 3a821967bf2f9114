import { expect, it } from 'vitest'
import { testSeed } from './support/seed.ts'
import { mergeTwo } from './support/two-relays.ts'

it.each([
  { troubles: 12, lossShare: 0, steps: 600 },
  // More than these, and the waits between tries outgrow the time that a hole is given.
  { troubles: 3, lossShare: 0.02, steps: 200 },
  { troubles: 3, lossShare: 0.3, steps: 200 },
])(`two relays are one log, run after run: %o; seed=${testSeed}`, async run => {
  for (let seed = testSeed; seed < testSeed + 5; seed++) {
    const merged = await mergeTwo({ ...run, seed, perStep: 8 })
    expect(merged.reconnects).toBeGreaterThan(1)
    expect(Math.min(...merged.lost)).toBeGreaterThanOrEqual(run.lossShare * 100)
    expect(merged.replays).toBeGreaterThan(500)
  }
})
