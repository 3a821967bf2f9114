import { expect, it } from 'vitest'

import { createRefreshQueue, type RefreshQueueOptions } from './refresh-queue.ts'

function setUp(options: Partial<RefreshQueueOptions> = {}) {
  const clock = { now: 0 }
  const started: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  const queue = createRefreshQueue({
    refresh: key => {
      started.push(key)
      return new Promise<void>((resolve, reject) => {
        ends.set(key, error => (error ? reject(error) : resolve()))
      })
    },
    groupOf: key => key.slice(0, key.indexOf('/')),
    now: () => clock.now,
    ...options,
  })
  const end = async (key: string, error?: Error): Promise<void> => {
    ends.get(key)!(error)
    await new Promise(resolve => setImmediate(resolve))
  }
  return { clock, started, queue, end }
}

it('takes each key once, and again when it is done', async () => {
  const { queue, started, end } = setUp()
  expect([queue.add('a/1'), queue.add('a/1')]).toEqual([true, false])
  await end('a/1')
  expect(queue.add('a/1')).toBe(true)
  expect(started).toEqual(['a/1', 'a/1'])
})

it('does a key once more that changed while it ran', async () => {
  const { queue, started, end } = setUp()
  queue.add('a/1')
  expect([queue.add('a/1', true), queue.add('a/1', true)]).toEqual([false, false])
  await end('a/1')
  await end('a/1')
  expect(started).toEqual(['a/1', 'a/1'])
  expect(queue.stats()).toMatchObject({ queued: 0, running: 0, done: 2 })
})

it('gives each group its share, in turns', async () => {
  const { queue, started, end } = setUp({ concurrency: 3, perGroup: () => 2 })
  for (const key of ['a/1', 'a/2', 'a/3', 'a/4', 'b/1', 'b/2']) queue.add(key)
  expect(started).toEqual(['a/1', 'a/2', 'b/1'])
  await end('b/1')
  expect(started.at(-1)).toBe('b/2')
  await end('a/1')
  expect(started.at(-1)).toBe('a/3')
  expect(queue.stats()).toMatchObject({ queued: 1, running: 3, done: 2 })
})

it('leaves a key that fails alone, longer each time, and goes on with the others', async () => {
  const { queue, clock, started, end } = setUp({ concurrency: 1, firstPauseMs: 100, maxPauseMs: 300 })
  for (const pause of [100, 200, 300, 300]) {
    expect(queue.add('a/1')).toBe(true)
    await end('a/1', new Error('no'))
    clock.now += pause - 1
    expect(queue.add('a/1')).toBe(false)
    clock.now += 1
  }
  queue.add('a/2')
  await end('a/2')
  expect(started).toEqual(['a/1', 'a/1', 'a/1', 'a/1', 'a/2'])
  expect(queue.stats()).toMatchObject({ done: 1, failed: 4, queued: 0, running: 0 })
})

it('is not held up by work that never ends, nor by work that throws at once', async () => {
  const done: string[] = []
  const queue = createRefreshQueue({
    concurrency: 1,
    maxRunMs: 20,
    groupOf: key => key,
    refresh: key => {
      if (key === 'throws') throw new Error('at once')
      if (key === 'hangs') return new Promise(() => {})
      done.push(key)
      return Promise.resolve()
    },
  })
  for (const key of ['hangs', 'throws', 'works']) queue.add(key)
  await expect.poll(() => done).toEqual(['works'])
  expect(queue.stats()).toMatchObject({ done: 1, failed: 2, running: 0 })
})

it('refuses what it has no room for, of one group before all others', () => {
  const { queue } = setUp({ concurrency: 0, maxQueued: 5, maxPerGroup: 3 })
  for (let i = 0; i < 10; i++) queue.add(`a/${i}`)
  expect(queue.stats()).toMatchObject({ queued: 3, refused: 7 })
  for (let i = 0; i < 10; i++) queue.add(`b/${i}`)
  expect(queue.stats()).toMatchObject({ queued: 5, refused: 15 })
  queue[Symbol.dispose]()
  expect(queue.add('c/1')).toBe(false)
  expect(queue.stats().queued).toBe(0)
})
