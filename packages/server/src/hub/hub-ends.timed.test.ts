import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutReason } from './close.ts'
import { fakeEncoding } from './testing/encodings.ts'
import { makeEntry, positionOf } from './testing/entries.ts'
import { FakeLog } from './testing/fake-log.ts'
import { startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

const nobodyDropped = { slow: 0, dead: 0, outrun: 0, error: 0 }

function filled(log: FakeLog, count = 30): FakeLog {
  for (let i = 1; i <= count; i++) log.append([makeEntry(i * 10, 0)])
  return log
}

describe('an empty log', () => {
  it.each([0, 1, undefined])('has everybody at its end, whose cursor is %j', async position => {
    const log = new FakeLog()
    await using server = await startHub(log, { pingMs: 5 })
    const client = await server.subscribe({ position, heartbeatMs: 10 })
    await until(() => client.texts.length > 0)
    expect(client.subscriber.state).toBe('live')
    expect(client.texts[0]).toBe('heartbeat 0')
    expect(log.reads).toBe(0)
    log.append([makeEntry(7, 0)])
    server.hub.published()
    await until(() => client.texts.some(text => text.startsWith('7:')))
    expect(server.failures).toEqual([])
  })
})

describe('retention', () => {
  it('drops whoever was on the way through what is gone', async () => {
    const gate = Promise.withResolvers<void>()
    const log = filled(new FakeLog({ recentBytes: 0 }))
    await using server = await startHub(log)
    const client = await server.subscribe({ position: 1, filter: stopping(log, 5, gate.promise) })
    await until(() => client.texts.length === 5)
    // The next read is under way, and would find what lies behind the gap.
    log.retain(200)
    gate.resolve()
    await until(() => client.closed)
    expect(client.closed).toEqual({
      code: 1008,
      reason: 'ConsumerTooSlow: its position is not kept any more',
    })
    expect(client.texts.map(positionOf)).toEqual([10, 20, 30, 40, 50])
    expect(server.hub.stats.dropped).toEqual({ ...nobodyDropped, outrun: 1 })
  })

  it('moves a fresh cursor up to the oldest that is kept', async () => {
    const log = filled(new FakeLog({ recentBytes: 0 }))
    log.retain(200)
    await using server = await startHub(log)
    const client = await server.subscribe({ position: 1 })
    await until(() => client.texts.length === 11)
    expect(client.texts.map(positionOf)[0]).toBe(200)
    expect(server.hub.stats.dropped).toEqual(nobodyDropped)
  })

  it('leaves alone who has all there is', async () => {
    const log = filled(new FakeLog({ recentBytes: 0 }))
    await using server = await startHub(log)
    const client = await server.subscribe()
    await until(() => client.subscriber.state === 'live')
    log.retain(300)
    log.append([makeEntry(400, 0)])
    server.hub.published()
    await until(() => client.texts.length === 1)
    expect(server.hub.stats.dropped).toEqual(nobodyDropped)
  })
})

/** The filter for everything, that makes the log hold its reads once it has seen so many blocks. */
function stopping(log: FakeLog, blocks: number, until_: Promise<void>) {
  let seen = 0
  return {
    key: 'stopping',
    select() {
      if (++seen === blocks) log.hold = until_
      return undefined
    },
  }
}

describe('a log that cannot be read', () => {
  it('closes who reads it with 1011, and is reported', async () => {
    const log = filled(new FakeLog({ recentBytes: 0 }))
    await using server = await startHub(log)
    const live = await server.subscribe()
    await until(() => live.subscriber.state === 'live')
    log.fail = new Error('the disk is gone')
    const client = await server.subscribe({ position: 1 })
    await until(() => client.closed)
    expect(client.closed).toEqual({ code: 1011, reason: 'the log cannot be read' })
    expect(server.failures).toEqual([log.fail])
    expect(server.hub.stats.dropped).toEqual({ ...nobodyDropped, error: 1 })
    expect(live.closed).toBeUndefined()
  })

  it('is reported too when it has nothing where it says it has, instead of being asked for ever', async () => {
    const log = filled(new FakeLog({ recentBytes: 0 }))
    await using server = await startHub(log)
    log.retain(1_000)
    log.oldest = 0
    const client = await server.subscribe({ position: 1 })
    await until(() => client.closed)
    expect(client.closed!.code).toBe(1011)
    expect(String(server.failures[0])).toContain('the log reaches 300, but has nothing to read at 1')
    expect(log.reads).toBeLessThan(200)
  })

  it('does not matter to a subscriber that has left', async () => {
    const log = filled(new FakeLog({ recentBytes: 0 }))
    const gate = Promise.withResolvers<void>()
    log.hold = gate.promise
    await using server = await startHub(log)
    const client = await server.subscribe({ position: 1 })
    await until(() => log.reads === 1)
    client.socket.close(1000)
    await until(() => server.hub.counts.behind === 0)
    gate.resolve()
    await sleep(10)
    expect(server.hub.stats).toMatchObject({ sentEvents: 0, dropped: nobodyDropped })
  })
})

describe('an encoder that fails', () => {
  it('closes who wanted the entry with 1011, and is reported', async () => {
    const log = filled(new FakeLog(), 3)
    await using server = await startHub(log)
    const encoding = fakeEncoding('e')
    encoding.fail = new Error('no more memory')
    const other = await server.subscribe({ position: 1 })
    const client = await server.subscribe({ position: 1, encoding })
    await until(() => client.closed)
    expect(client.closed).toEqual({ code: 1011, reason: 'an event could not be encoded' })
    expect(server.failures).toEqual([encoding.fail])
    await until(() => other.texts.length === 3)
    expect(server.hub.stats.dropped).toEqual({ ...nobodyDropped, error: 1 })
  })

  it('does so for a heartbeat too', async () => {
    await using server = await startHub(new FakeLog(), { pingMs: 5 })
    const encoding = fakeEncoding('e')
    encoding.fail = new Error('no more memory')
    const client = await server.subscribe({ encoding, heartbeatMs: 10 })
    await until(() => client.closed)
    expect(client.closed!.code).toBe(1011)
    expect(server.failures).toEqual([encoding.fail])
  })
})

describe('the end of the hub', () => {
  it('is told to everybody, behind what they were sent', async () => {
    const log = filled(new FakeLog())
    const server = await startHub(log)
    const clients = [
      await server.subscribe({ position: 1 }),
      await server.subscribe({ idle: true }),
      await server.subscribe(),
    ]
    await until(() => clients[0]!.subscriber.position > log.last)
    await server.hub[Symbol.asyncDispose]()
    await until(() => clients.every(client => client.closed))
    for (const client of clients)
      expect(client.closed).toEqual({ code: 1001, reason: 'server shutting down' })
    expect(clients.map(client => client.texts.length)).toEqual([30, 0, 0])
    // Nor does it take anybody in any more.
    const late = await server.subscribe({ position: 1 })
    await until(() => late.closed)
    expect(late.closed).toEqual({ code: 1001, reason: 'server shutting down' })
    expect(late.texts).toEqual([])
    expect(server.hub.stats.dropped).toEqual(nobodyDropped)
    await server[Symbol.asyncDispose]()
  })

  it('does not wait for one who does not read', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { highWaterBytes: 10_000 })
    const client = await server.subscribe()
    client.socket.pause()
    for (let i = 1; i <= 200; i++) log.append([makeEntry(i, 0, 100_000)])
    server.hub.published()
    await until(() => client.subscriber.state === 'waiting')
    const started = performance.now()
    await server.hub[Symbol.asyncDispose]()
    expect(performance.now() - started).toBeLessThan(4_000)
  })
})

describe('a reason to close', () => {
  // A character has four bytes at most.
  const short = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30, size: 'max' }),
    fc.string({ unit: 'binary-ascii', minLength: 100, maxLength: 123, size: 'max' }),
  )
  const long = fc.string({ unit: 'binary', minLength: 124, maxLength: 200, size: 'max' })

  it('is told whole where it fits its frame', () => {
    fc.assert(
      fc.property(short, reason => {
        expect(cutReason(reason)).toBe(reason)
      }),
    )
  })

  it('is cut between characters where it does not', () => {
    fc.assert(
      fc.property(long, reason => {
        const cut = cutReason(reason)
        const head = cut.slice(0, -3)
        expect(cut.endsWith('...')).toBe(true)
        expect(reason.startsWith(head)).toBe(true)
        expect(head.isWellFormed()).toBe(true)
        // As much of it as fits.
        expect(Buffer.byteLength(head)).toBeGreaterThan(116)
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(123)
      }),
    )
  })

  it('costs the same however long it is', () => {
    const started = performance.now()
    expect(Buffer.byteLength(cutReason('é'.repeat(5_000_000)))).toBe(123)
    expect(performance.now() - started).toBeLessThan(200)
  })

  it('arrives cut', async () => {
    await using server = await startHub(new FakeLog())
    const client = await server.subscribe()
    server.hub.close(client.subscriber, 1008, '😀'.repeat(100))
    // Once is enough.
    server.hub.close(client.subscriber, 1000, 'again')
    await until(() => client.closed)
    expect(client.closed).toEqual({ code: 1008, reason: `${'😀'.repeat(30)}...` })
  })
})
