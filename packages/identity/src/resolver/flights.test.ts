import { describe, expect, it } from 'vitest'

import { createFlights } from './flights.ts'

describe('createFlights', () => {
  it('does work once for all who ask meanwhile', async () => {
    const flights = createFlights<number>()
    let runs = 0
    const work = async (): Promise<number> => ++runs
    expect(
      await Promise.all([flights.run('a', work), flights.run('a', work), flights.run('b', work)]),
    ).toEqual([1, 1, 2])
    expect(flights.size()).toBe(0)
    expect(await flights.run('a', work)).toBe(3)
  })

  it('starts anew after forgetting, and tells the old work that it is not wanted', async () => {
    const flights = createFlights<string>()
    const gate = Promise.withResolvers<void>()
    const old = flights.run('a', async isCurrent => {
      await gate.promise
      return `old ${isCurrent()}`
    })
    flights.forget('a')
    expect(flights.has('a')).toBe(false)
    const fresh = flights.run('a', async isCurrent => {
      await gate.promise
      return `new ${isCurrent()}`
    })
    gate.resolve()
    expect(await Promise.all([old, fresh])).toEqual(['old false', 'new true'])
    expect(flights.size()).toBe(0)
  })

  it('forgets work that failed, though nobody waits for it', async () => {
    const flights = createFlights<string>()
    void flights.run('a', () => Promise.reject(new Error('no')))
    await expect.poll(() => flights.size()).toBe(0)
  })
})
