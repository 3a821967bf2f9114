import { describe, expect, it } from 'vitest'
import { BoundedQueue } from './queue.ts'

describe('BoundedQueue', () => {
  it('hands entries out in order, waiting or not, and ends when it is closed and empty', async () => {
    const queue = new BoundedQueue<number>(10)
    const first = queue.next()
    queue.push(1)
    queue.push(2)
    queue.close()
    expect(await first).toEqual({ done: false, value: 1 })
    expect(await Array.fromAsync(queue)).toEqual([2])
  })

  it('drops the oldest when nobody reads, and counts them', async () => {
    const queue = new BoundedQueue<number>(2)
    for (const entry of [1, 2, 3, 4]) queue.push(entry)
    queue.close()
    expect(queue.dropped).toBe(2)
    expect(await Array.fromAsync(queue)).toEqual([3, 4])
  })

  it('ends for a reader who already waits', async () => {
    const queue = new BoundedQueue<number>(2)
    const waiting = queue.next()
    queue.close()
    expect(await waiting).toEqual({ done: true, value: undefined })
  })
})
