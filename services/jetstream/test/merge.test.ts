import { describe, expect, it } from 'vitest'
import { testSeed } from './support/seed.ts'
import { mergeTwo } from './support/two-relays.ts'

describe(`two relays merged; seed=${testSeed}`, () => {
  it('are one log without doubles, however each is cut, stalled and refused', async () => {
    const merged = await mergeTwo({ seed: testSeed, steps: 150, perStep: 8, troubles: 4, lossShare: 0 })
    expect(merged.reconnects).toBeGreaterThan(3)
    expect(merged.replays).toBeGreaterThan(500)
  }, 150_000)

  it('make up for what each of them loses', async () => {
    const merged = await mergeTwo({ seed: testSeed, steps: 150, perStep: 8, troubles: 3, lossShare: 0.05 })
    expect(Math.min(...merged.lost)).toBeGreaterThan(5)
    expect(merged.reconnects).toBeGreaterThan(1)
    expect(merged.chainBreaks).toBe(0)
  }, 150_000)
})
