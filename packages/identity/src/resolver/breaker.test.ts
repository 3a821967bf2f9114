import { describe, expect, it } from 'vitest'

import { codeOf, errorOf } from '../../test/util/error-of.ts'
import { IdentityError } from '../errors.ts'
import { createBreaker } from './breaker.ts'

function setUp() {
  const clock = { now: 0 }
  const breaker = createBreaker({
    what: 'the test',
    threshold: 3,
    firstPauseMs: 1_000,
    maxPauseMs: 5_000,
    now: () => clock.now,
  })
  const fail = (retryAfterMs?: number) =>
    breaker.run(() => Promise.reject(new IdentityError('network', 'down', { retryAfterMs })))
  const work = (): Promise<string> => breaker.run(async () => 'done')
  return { clock, breaker, fail, work }
}

describe('createBreaker', () => {
  it('opens after some failures in a row, not before', async () => {
    const { breaker, fail, work } = setUp()
    await errorOf(fail())
    await errorOf(fail())
    await work()
    await errorOf(fail())
    await errorOf(fail())
    expect([breaker.isOpen(), breaker.pausedMs()]).toEqual([false, 0])
    await errorOf(fail())
    expect([breaker.isOpen(), breaker.pausedMs()]).toEqual([true, 1_000])
    expect(await errorOf(work())).toMatchObject({ code: 'unavailable', retryable: true, retryAfterMs: 1_000 })
  })

  it('lets one request a pause through, and waits longer after each that fails', async () => {
    const { clock, fail, work } = setUp()
    for (let n = 0; n < 3; n++) await errorOf(fail())
    const pauses: number[] = []
    for (let n = 0; n < 4; n++) {
      clock.now += (await errorOf(work())).retryAfterMs!
      expect(await codeOf(fail())).toBe('network')
      pauses.push((await errorOf(work())).retryAfterMs!)
    }
    expect(pauses).toEqual([2_000, 4_000, 5_000, 5_000])
    clock.now += 5_000
    expect(await work()).toBe('done')
    expect(await work()).toBe('done')
  })

  it('keeps the door closed while the probe is under way', async () => {
    const { clock, breaker, fail, work } = setUp()
    for (let n = 0; n < 3; n++) await errorOf(fail())
    clock.now += 1_000
    const gate = Promise.withResolvers<string>()
    const probe = breaker.run(() => gate.promise)
    expect(await codeOf(work())).toBe('unavailable')
    gate.resolve('up again')
    expect(await probe).toBe('up again')
    expect(await work()).toBe('done')
  })

  it('is not moved by those that were under way when it opened', async () => {
    const { clock, breaker, fail, work } = setUp()
    const gate = Promise.withResolvers<never>()
    const late = Array.from({ length: 10 }, () => codeOf(breaker.run(() => gate.promise)))
    for (let n = 0; n < 3; n++) await errorOf(fail())
    gate.reject(new IdentityError('timeout', 'slow'))
    expect(new Set(await Promise.all(late))).toEqual(new Set(['timeout']))
    expect((await errorOf(work())).retryAfterMs).toBe(1_000)
    clock.now += 1_000
    expect(await work()).toBe('done')
  })

  it('takes other errors for answers, and our own troubles for nothing', async () => {
    const { breaker, fail } = setUp()
    for (const code of ['not_found', 'tombstoned', 'invalid_document'] as const) {
      await errorOf(fail())
      await errorOf(fail())
      await errorOf(breaker.run(() => Promise.reject(new IdentityError(code, 'an answer'))))
    }
    expect(breaker.isOpen()).toBe(false)
    await errorOf(fail())
    await errorOf(fail())
    await errorOf(breaker.run(() => Promise.reject(new IdentityError('overloaded', 'ours'))))
    await errorOf(breaker.run(() => Promise.reject(new IdentityError('unavailable', 'not sent'))))
    expect(breaker.isOpen()).toBe(false)
    await errorOf(fail())
    expect(breaker.isOpen()).toBe(true)
  })

  it('waits at once when it is asked to, within reason', async () => {
    const { fail, work } = setUp()
    await errorOf(fail(4_000))
    expect((await errorOf(work())).retryAfterMs).toBe(4_000)
    const other = setUp()
    await errorOf(other.fail(3_600_000))
    expect((await errorOf(other.work())).retryAfterMs).toBe(5_000)
  })
})
