import { describe, expect, it } from 'vitest'
import { settled } from '../test/support/bench.ts'
import type { FirehoseEvent } from './events.ts'
import { Outbox } from './outbox.ts'

const base = { did: 'did:plc:a', time: '', seq: 1, source: '', timeUs: undefined }
const notice: FirehoseEvent = { ...base, kind: 'identity', handle: undefined }
const commit = (bytes: number): FirehoseEvent => ({
  ...base,
  kind: 'commit',
  rev: '',
  verified: true,
  ops: [{ action: 'create', collection: '', rkey: '', cid: '', record: new Uint8Array(bytes) }],
})

/** Whether a promise has settled by now. */
async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false
  void promise.then(() => (over = true))
  await settled()
  return over
}

describe('Outbox', () => {
  it('wakes the consumer for events, and for a position alone', async () => {
    const outbox = new Outbox({ maxEvents: 10, maxBytes: 1_000 })
    const { signal } = new AbortController()
    const first = outbox.ready(signal)
    expect(await isOver(first)).toBe(false)
    outbox.push(notice)
    expect(await isOver(first)).toBe(true)
    // Until it is taken, it is ready.
    expect(await isOver(outbox.ready(signal))).toBe(true)
    expect(outbox.take()).toEqual([notice])
    const second = outbox.ready(signal)
    expect(await isOver(second)).toBe(false)
    outbox.touch()
    expect(await isOver(second)).toBe(true)
    expect(outbox.take()).toEqual([])
  })

  it.each([
    ['events', { maxEvents: 2, maxBytes: 1_000 }],
    ['bytes', { maxEvents: 100, maxBytes: 80 }],
  ])('is full at its number of %s, and has all who wait go on when it was emptied', async (_, limits) => {
    const outbox = new Outbox(limits)
    const { signal } = new AbortController()
    outbox.push(commit(40))
    expect(outbox.full).toBe(false)
    expect(await isOver(outbox.room(signal))).toBe(true)
    outbox.push(commit(40))
    expect(outbox.full).toBe(true)
    const waiting = [outbox.room(signal), outbox.room(signal)]
    expect(await isOver(waiting[0]!)).toBe(false)
    outbox.take()
    expect(outbox.full).toBe(false)
    await Promise.all(waiting)
  })

  it('lets nobody wait once it is over', async () => {
    const outbox = new Outbox({ maxEvents: 1, maxBytes: 1_000 })
    const stop = new AbortController()
    const ready = outbox.ready(stop.signal)
    outbox.push(notice)
    await ready
    const room = outbox.room(stop.signal)
    stop.abort()
    await room
    await outbox.room(stop.signal)
    outbox.take()
    await outbox.ready(stop.signal)
    expect(outbox.length).toBe(0)
  })

  it('knows since when the oldest event waits', () => {
    const outbox = new Outbox({ maxEvents: 10, maxBytes: 1_000 })
    expect(outbox.waitingSince).toBeUndefined()
    const before = Date.now()
    outbox.push(notice)
    const since = outbox.waitingSince!
    expect(since).toBeGreaterThanOrEqual(before)
    outbox.push(notice)
    expect(outbox.waitingSince).toBe(since)
    outbox.take()
    expect(outbox.waitingSince).toBeUndefined()
  })
})
