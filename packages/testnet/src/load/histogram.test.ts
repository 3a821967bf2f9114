import { expect, it } from 'vitest'
import { Histogram } from './histogram.ts'

it('tells the shares of what it was given', () => {
  const histogram = new Histogram()
  for (let i = 1; i <= 1000; i++) histogram.add(i / 10)
  expect(histogram.read()).toEqual({ count: 1000, p50: 50, p90: 90, p99: 99, max: 100 })
  histogram.add(1e9)
  expect(histogram.read().max).toBe(1e9)
  histogram.reset()
  expect(histogram.read()).toEqual({ count: 0, p50: 0, p90: 0, p99: 0, max: 0 })
  // A clock that was set back.
  histogram.add(-5)
  expect(histogram.read()).toMatchObject({ count: 1, p99: 0 })
})
