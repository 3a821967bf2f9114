import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { decode, fakeEncoding } from './testing/encodings.ts'
import { makeEntry, positionOf, tagFilter } from './testing/entries.ts'
import { FakeLog } from './testing/fake-log.ts'
import { startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

// The hub looks at its subscribers as often as it pings them, at most.
const pingMs = 5

/** The positions that were told, at the place in the order of messages where they were. */
function heartbeatsOf(messages: readonly string[]): { at: number; position: number }[] {
  return messages.flatMap((message, at) =>
    message.startsWith('heartbeat ') ? [{ at, position: Number(message.slice(10)) }] : [],
  )
}

describe('heartbeats', () => {
  it('come when nothing else was sent for the interval, and tell where the log ends', async () => {
    const log = new FakeLog()
    const toldAt: number[] = []
    const heartbeat = (position: number): string => {
      toldAt.push(performance.now())
      return `heartbeat ${position}`
    }
    await using server = await startHub(log, { pingMs, heartbeat })
    const client = await server.subscribe({ heartbeatMs: 400 })
    let longestMs = 0
    for (let i = 1; i <= 40; i++) {
      log.append([makeEntry(i * 10, 0)])
      server.hub.published()
      const before = performance.now()
      await sleep(20)
      longestMs = Math.max(longestMs, performance.now() - before)
    }
    // A machine that stood still meanwhile owes one.
    expect(longestMs > 300 || heartbeatsOf(client.texts).length === 0).toBe(true)
    await until(() => client.texts.slice(-2).every(text => text === 'heartbeat 400'))
    // By when they were sent: on a busy machine two may arrive together.
    expect(toldAt.at(-1)! - toldAt.at(-2)!).toBeGreaterThan(350)
    // They are no events.
    expect(server.hub.stats.sentEvents).toBe(40)
  })

  it('come to those alone who asked, and not before the start', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { pingMs })
    const without = await server.subscribe()
    const idle = await server.subscribe({ heartbeatMs: 10, idle: true })
    const asked = await server.subscribe({ heartbeatMs: 10 })
    await until(() => asked.texts.length >= 3)
    expect(without.texts).toEqual([])
    expect(idle.texts).toEqual([])
    server.hub.start(idle.subscriber, true)
    await until(() => idle.texts.length >= 1)
  })

  it.each(['text', 'encoded'])('promise that nothing wanted is missing before them, %s', async kind => {
    const log = new FakeLog({ recentBytes: 200, readMs: read => read % 3 })
    const encoding = kind === 'text' ? undefined : fakeEncoding('e', call => call % 4)
    await using server = await startHub(log, { pingMs })
    const wanted = [1]
    let position = 100
    const append = (): void => log.append([0, 1, 2].map(tag => makeEntry((position += 7), tag)))
    for (let i = 0; i < 20; i++) append()
    const client = await server.subscribe({
      heartbeatMs: 8,
      position: 1,
      filter: tagFilter(wanted),
      encoding,
    })
    for (let i = 0; i < 60; i++) {
      append()
      server.hub.published()
      await sleep(i % 10 === 9 ? 25 : 2)
    }
    await until(() => client.subscriber.position > log.last && client.subscriber.state === 'live')
    const received = (): string[] =>
      client.messages.map(message => (encoding ? decode(encoding, message as Buffer) : (message as string)))
    await until(() => heartbeatsOf(received()).length > 3)
    const messages = received()
    const beats = heartbeatsOf(messages)
    for (const { at, position: told } of beats) {
      const before = messages.slice(0, at).filter(message => !message.startsWith('h'))
      const due = log.entries.filter(entry => wanted.includes(entry.tag) && entry.position <= told)
      expect(before.map(positionOf)).toEqual(due.map(entry => entry.position))
    }
  })

  it('come during a long replay of which nothing is wanted', async () => {
    const log = new FakeLog({ recentBytes: 0, readMs: () => 10 })
    for (let i = 1; i <= 60; i++) log.append([makeEntry(i, 0)])
    await using server = await startHub(log, { pingMs })
    const encoding = fakeEncoding('e')
    const options = { position: 1, heartbeatMs: 30, filter: tagFilter([]) }
    const startedAt = performance.now()
    const clients = [await server.subscribe(options), await server.subscribe({ ...options, encoding })]
    await until(() => clients.every(({ subscriber }) => subscriber.position > 59))
    const most = (performance.now() - startedAt) / 30 + 1
    for (const client of clients) {
      const texts = client.messages.map(message =>
        typeof message === 'string' ? message : decode(encoding, message),
      )
      const told = heartbeatsOf(texts).map(({ position }) => position)
      expect(told.length).toBeGreaterThan(3)
      expect(told.length).toBeLessThanOrEqual(most)
      expect(told).toEqual(told.toSorted((a, b) => a - b))
      expect(told[0]).toBeLessThan(50)
      // It moves on from one to the next.
      expect(new Set(told.filter(position => position < 60)).size).toBeGreaterThan(3)
    }
  })

  it('do not pile up behind a client that does not read', async () => {
    const log = new FakeLog()
    // Once it reads again it has some megabytes before it, and three rounds to answer a ping behind them.
    await using server = await startHub(log, { pingMs: 50, highWaterBytes: 100_000 })
    const client = await server.subscribe({ heartbeatMs: 5 })
    client.socket.pause()
    for (let i = 1; i <= 200; i++) log.append([makeEntry(i, 0, 100_000)])
    server.hub.published()
    await until(() => client.subscriber.state === 'waiting')
    const before = client.subscriber.stream.writableLength
    await sleep(250)
    // A ping or two is all that came on top.
    expect(client.subscriber.stream.writableLength - before).toBeLessThan(100)
    client.socket.resume()
    await until(() => client.texts.filter(message => !message.startsWith('h')).length === 200)
  })
})
