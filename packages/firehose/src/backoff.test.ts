import { describe, expect, it } from 'vitest'
import { backoffMs, pause } from './backoff.ts'

describe('backoffMs', () => {
  it('doubles up to its maximum', () => {
    const random = (): number => 1
    const waits = [1, 2, 3, 7, 8, 9, 5_000].map(attempt => backoffMs(attempt, { random }))
    expect(waits).toEqual([500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000])
  })

  it('is at random between half and all of that', () => {
    expect(backoffMs(3, { random: () => 0 })).toBe(1_000)
    expect(backoffMs(3, { random: () => 0.5 })).toBe(1_500)
    const waits = Array.from({ length: 200 }, () => backoffMs(1, { firstMs: 100 }))
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(50)
    expect(Math.max(...waits)).toBeLessThanOrEqual(100)
    expect(new Set(waits).size).toBeGreaterThan(100)
  })
})

describe('pause', () => {
  it('waits, or not when it is over', async () => {
    const stop = new AbortController()
    const startedAt = performance.now()
    await pause(30, stop.signal)
    expect(performance.now() - startedAt).toBeGreaterThan(28)
    const long = pause(60_000, stop.signal)
    stop.abort()
    await long
    await pause(60_000, stop.signal)
  })
})
