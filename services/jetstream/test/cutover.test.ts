import { describe, expect, it } from 'vitest'
import { cutOverProperty } from './support/cut-over-property.ts'

describe('subscribers of every kind over a running network', () => {
  it('get every event that they ask for, once, in order, wherever they begin and whatever they do', async () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000)
    const { heartbeat, ...tried } = await cutOverProperty(seed, 2, {
      'memory-for-recent': '256KiB',
      'memory-for-replay': '1MiB',
    })
    // A run is too short for many of them.
    expect(heartbeat).toBeGreaterThanOrEqual(0)
    expect(Object.entries(tried).filter(([, times]) => times === 0)).toEqual([])
  }, 90_000)
})
