import { expect, it } from 'vitest'
import { growthAtLeast } from './trend.ts'

it.each([
  [4, 2, 0.492],
  [3, 0, 0.582],
  [10, 0, 1.941],
  [400, 200, 1.733],
  [100, 80, 0.976],
  [0, 0, 0.037],
])('from %i after %i says no more than is sure', (now, before, atLeast) => {
  expect(growthAtLeast(now, before)).toBeCloseTo(atLeast, 3)
})

it('rises with what is there now, and falls with what was before', () => {
  for (let i = 0; i < 300; i++) {
    expect(growthAtLeast(i + 1, 20)).toBeGreaterThan(growthAtLeast(i, 20))
    expect(growthAtLeast(20, i + 1)).toBeLessThan(growthAtLeast(20, i))
  }
})
