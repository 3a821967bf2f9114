import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClientCounter, createRateLimiter } from './limiter.ts'
import { makeEntry } from './testing/entries.ts'
import { FakeLog } from './testing/fake-log.ts'
import { startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

describe('createRateLimiter', () => {
  it('lets a burst through, then says how long to wait', () => {
    const clock = { ms: 0 }
    const limiter = createRateLimiter(100, 10, () => clock.ms)
    expect(limiter.take('a', 10)).toBe(0)
    expect(limiter.take('a', 1)).toBe(10)
    expect(limiter.take('a', 4)).toBe(50)
    clock.ms = 49
    expect(limiter.take('a', 0)).toBe(1)
    clock.ms = 50
    expect(limiter.take('a', 0)).toBe(0)
    // A client that was away does not save up more than a burst.
    clock.ms = 60_000
    expect(limiter.take('a', 10)).toBe(0)
    expect(limiter.take('a', 1)).toBe(10)
  })

  it('keeps clients apart', () => {
    const limiter = createRateLimiter(1, 1, () => 0)
    expect(limiter.take('a', 5)).toBeGreaterThan(0)
    expect(limiter.take('b', 1)).toBe(0)
  })

  it('lets everything through where there is no limit', () => {
    const limiter = createRateLimiter(0)
    expect(limiter.take('a', 1e9)).toBe(0)
  })

  it('never lets more through than burst and rate, for clients who wait as told', () => {
    const step = fc.record({
      amount: fc.integer({ min: 0, max: 50 }),
      extraMs: fc.integer({ min: 0, max: 40 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: 'max' }), steps => {
        const clock = { ms: 0 }
        const limiter = createRateLimiter(200, 20, () => clock.ms)
        let taken = 0
        for (const { amount, extraMs } of steps) {
          // What is taken last may go below zero, by its amount.
          expect(taken).toBeLessThanOrEqual(20 + clock.ms * 0.2 + 1e-6)
          taken += amount
          clock.ms += limiter.take('a', amount) + extraMs
        }
      }),
    )
  })
})

describe('the rate in the hub', () => {
  it('is one for all connections of a client, and nobody else’s', async () => {
    const log = new FakeLog()
    for (let i = 0; i < 12; i++) {
      log.append(Array.from({ length: 5 }, (_, at) => makeEntry(1 + i * 5 + at, 0)))
    }
    // 120 entries at 200 a second with 20 at once take half a second.
    await using server = await startHub(log, { limiter: createRateLimiter(200, 20), batchBytes: 1 })
    const started = performance.now()
    const one = await server.subscribe({ client: '10.0.0.1', position: 1 })
    const two = await server.subscribe({ client: '10.0.0.1', position: 1 })
    const other = await server.subscribe({ client: '10.0.0.2', position: 41 })
    await until(() => other.texts.length === 20)
    expect(one.texts.length + two.texts.length).toBeLessThan(120)
    await until(() => one.texts.length === 60 && two.texts.length === 60)
    expect(performance.now() - started).toBeGreaterThan(450)
    expect(server.hub.stats.dropped).toEqual({ slow: 0, dead: 0, outrun: 0, error: 0 })
  })
})

describe('ClientCounter', () => {
  it('refuses what is over the limit, for each client', () => {
    const counter = new ClientCounter(2)
    expect([counter.tryAdd('a'), counter.tryAdd('a'), counter.tryAdd('a'), counter.tryAdd('b')]).toEqual([
      true,
      true,
      false,
      true,
    ])
    counter.remove('a')
    expect([counter.tryAdd('a'), counter.tryAdd('a')]).toEqual([true, false])
  })

  it('has no limit with 0, and does not mind a client it does not know', () => {
    const counter = new ClientCounter(0)
    for (let i = 0; i < 1000; i++) expect(counter.tryAdd('a')).toBe(true)
    counter.remove('never seen')
    const strict = new ClientCounter(1)
    strict.remove('a')
    expect([strict.tryAdd('a'), strict.tryAdd('a')]).toEqual([true, false])
  })

  it('is a plain count', () => {
    const steps = fc.array(fc.record({ client: fc.constantFrom('a', 'b'), add: fc.boolean() }))
    fc.assert(
      fc.property(steps, list => {
        const counter = new ClientCounter(3)
        const open = new Map<string, number>()
        for (const { client, add } of list) {
          const now = open.get(client) ?? 0
          const wentWell = add ? counter.tryAdd(client) : counter.remove(client)
          expect(wentWell).toBe(add ? now < 3 : undefined)
          open.set(client, add ? Math.min(3, now + 1) : Math.max(0, now - 1))
        }
      }),
    )
  })
})
