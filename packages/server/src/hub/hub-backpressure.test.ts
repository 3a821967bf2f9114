import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { makeEntry } from './testing/entries.ts'
import { FakeLog } from './testing/fake-log.ts'
import { defaults, startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

const entryBytes = 32 * 1024
const blockEntries = 8
const blockBytes = blockEntries * entryBytes

/** More than the system holds for a connection on its own, by far. */
const blocks = 160

function fill(log: FakeLog, count = blocks): void {
  for (let i = 0; i < count; i++) {
    log.append(
      Array.from({ length: blockEntries }, (_, at) => makeEntry(1 + i * blockEntries + at, 0, entryBytes)),
    )
  }
}

describe('a client that does not read', () => {
  it('makes the hub stop writing to it, costs nobody else, and is dropped with a reason', async () => {
    const log = new FakeLog()
    const highWaterBytes = 128 * 1024
    await using server = await startHub(log, { highWaterBytes, stallMs: 2_000 })
    const { hub } = server
    const other = await server.subscribe()
    const stuck = await server.subscribe()
    stuck.socket.pause()
    let highest = 0
    const watch = setInterval(() => {
      highest = Math.max(highest, stuck.subscriber.stream.writableLength)
    }, 1)
    fill(log)
    hub.published()
    await until(() => stuck.subscriber.state === 'waiting')
    const { position } = stuck.subscriber
    await until(() => other.texts.length === blocks * blockEntries)
    // It stays where it is, and holds no more than it may.
    expect(stuck.subscriber.position).toBe(position)
    expect(position).toBeLessThan(log.last / 2)
    expect(hub.stats.dropped.slow).toBe(0)
    await until(() => hub.stats.dropped.slow === 1)
    clearInterval(watch)
    expect(highest).toBeGreaterThan(highWaterBytes)
    expect(highest).toBeLessThanOrEqual(highWaterBytes + blockBytes + blockEntries * 64)
    expect(hub.counts).toEqual({ live: 1, behind: 0 })
    // Whoever wakes up in time learns why.
    stuck.socket.resume()
    await until(() => stuck.closed)
    expect(stuck.closed!.code).toBe(1008)
    expect(stuck.closed!.reason).toMatch(/^ConsumerTooSlow: nothing was read for \d+ s$/)
    expect(stuck.texts).toHaveLength(position - 1)
    expect(other.closed).toBeUndefined()
    expect(hub.stats.dropped).toEqual({ slow: 1, dead: 0, outrun: 0, error: 0 })
  })

  it('goes on where it was when it reads again in time', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { highWaterBytes: 128 * 1024, stallMs: 5_000 })
    const client = await server.subscribe()
    client.socket.pause()
    fill(log)
    server.hub.published()
    await until(() => client.subscriber.state === 'waiting')
    await sleep(50)
    client.socket.resume()
    await until(() => client.texts.length === blocks * blockEntries)
    expect(client.texts.map(text => Number.parseInt(text, 10))).toEqual(
      log.entries.map(entry => entry.position),
    )
  })
})

it('does not drop a client that reads slowly but steadily', { timeout: 20_000 }, async () => {
  const log = new FakeLog()
  await using server = await startHub(log, { highWaterBytes: 64 * 1024, stallMs: 1_500 })
  const { server: end, client } = await server.connectRaw({ paused: true })
  using _ = client
  fill(log, 200)
  const subscriber = server.hub.add({ ...end, ...defaults, position: 1 })
  // Some 12 MB a second: what the system takes at a time, a megabyte or two, then takes a tenth of the time allowed.
  let bytes = 0
  const reading = setInterval(() => {
    const chunk = client.socket.read(Math.min(64 * 1024, client.socket.readableLength)) as Buffer | null
    bytes += chunk?.length ?? 0
  }, 5)
  const started = performance.now()
  await until(() => subscriber.state === 'waiting')
  await until(() => subscriber.position > log.last, 15_000)
  const tookMs = performance.now() - started
  clearInterval(reading)
  expect(server.hub.stats.dropped.slow).toBe(0)
  // Long enough that one who reads nothing would have been dropped.
  expect(tookMs).toBeGreaterThan(3_200)
  expect(bytes).toBeGreaterThan(30_000_000)
})

it('waits for a socket whatever the mark: one below the socket’s own does not hang', async () => {
  const log = new FakeLog()
  await using server = await startHub(log, { highWaterBytes: 1 })
  for (let i = 1; i <= 50; i++) log.append([makeEntry(i, 0, 10_000)])
  const client = await server.subscribe({ position: 1 })
  await until(() => client.texts.length === 50)
  expect(client.subscriber.state).toBe('live')
})
