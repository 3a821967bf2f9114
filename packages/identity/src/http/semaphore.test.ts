import { describe, expect, it } from 'vitest'

import { codeOf } from '../../test/util/error-of.ts'
import { createHostLimiter } from './host-limiter.ts'
import { createSemaphore } from './semaphore.ts'

describe('createSemaphore', () => {
  it('gives slots in order of arrival, and each back once', async () => {
    const semaphore = createSemaphore({ slots: 1, maxWaiting: 10, maxWaitMs: 1000 }, 'a test')
    const order: number[] = []
    const first = await semaphore.acquire()
    const rest = [1, 2, 3].map(async n => {
      const slot = await semaphore.acquire()
      order.push(n)
      slot[Symbol.dispose]()
      slot[Symbol.dispose]()
    })
    expect(semaphore.waiting()).toBe(3)
    first[Symbol.dispose]()
    await Promise.all(rest)
    expect(order).toEqual([1, 2, 3])
    expect(semaphore.idle()).toBe(true)
  })

  it('refuses when the queue is full, and after too long a wait', async () => {
    const semaphore = createSemaphore({ slots: 1, maxWaiting: 1, maxWaitMs: 20 }, 'a test')
    const held = await semaphore.acquire()
    const waiting = codeOf(semaphore.acquire())
    expect(await codeOf(semaphore.acquire())).toBe('overloaded')
    expect(await waiting).toBe('overloaded')
    held[Symbol.dispose]()
    expect(semaphore.idle()).toBe(true)
  })

  it('ends a wait by signal, without losing the slot', async () => {
    const semaphore = createSemaphore({ slots: 1, maxWaiting: 5, maxWaitMs: 1000 }, 'a test')
    const held = await semaphore.acquire()
    const controller = new AbortController()
    const waiting = codeOf(semaphore.acquire(controller.signal))
    controller.abort()
    expect(await waiting).toBe('aborted')
    expect(await codeOf(semaphore.acquire(controller.signal))).toBe('aborted')
    held[Symbol.dispose]()
    expect(semaphore.idle()).toBe(true)
    using again = await semaphore.acquire()
    expect(again).toBeDefined()
  })
})

describe('createHostLimiter', () => {
  it('bounds each host and all together, and forgets idle hosts', async () => {
    const perHost = { slots: 1, maxWaiting: 1, maxWaitMs: 50 }
    const limiter = createHostLimiter(perHost, { slots: 2, maxWaiting: 1, maxWaitMs: 50 })
    const a = await limiter.enter('a')
    const b = await limiter.enter('b')
    const secondA = codeOf(limiter.enter('a'))
    expect(await codeOf(limiter.enter('a'))).toBe('overloaded')
    const c = codeOf(limiter.enter('c'))
    expect(await codeOf(limiter.enter('d'))).toBe('overloaded')
    expect(await c).toBe('overloaded')
    expect(await secondA).toBe('overloaded')
    expect(limiter.hosts()).toBe(2)
    a[Symbol.dispose]()
    a[Symbol.dispose]()
    b[Symbol.dispose]()
    expect(limiter.hosts()).toBe(0)
  })
})
