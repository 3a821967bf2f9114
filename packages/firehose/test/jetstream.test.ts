import { loadCorpus, SHARED_DATA_ABSENT } from '@orrery/testnet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryProgress, type FirehoseEvent, type MemoryProgress, parseSource } from '../src/index.ts'
import { didOf } from './support/author.ts'
import { run, type Run } from './support/run.ts'
import { type JetstreamServer, startJetstreamServer } from './support/jetstream-server.ts'

let owned: AsyncDisposableStack
let server: JetstreamServer
beforeEach(async () => {
  owned = new AsyncDisposableStack()
  server = owned.use(await startJetstreamServer())
})
afterEach(() => owned.disposeAsync())

const t0 = Date.UTC(2026, 6, 4) * 1_000
const cid = 'bafyreicftwsv77h736dhuqe6mdhbanbxyronlwwoogdqyvjkxkvggubhwy'
const iso = (timeUs: number): string => new Date(timeUs / 1_000).toISOString()

/** A post, told from the others by its key. */
function post(rkey: string, timeUs: number): string {
  return `{"did":"${didOf(1)}","time_us":${timeUs},"kind":"commit","commit":{"rev":"3lmxjza3wdo2u","operation":"create","collection":"app.bsky.feed.post","rkey":"${rkey}","record":{"text":"${rkey}"},"cid":"${cid}"}}`
}

function account(timeUs: number, seq: number): string {
  return `{"did":"${didOf(1)}","time_us":${timeUs},"kind":"account","account":{"active":true,"did":"${didOf(1)}","seq":${seq},"time":"${iso(timeUs)}"}}`
}

const keysOf = (events: readonly FirehoseEvent[]): string[] =>
  events.map(event => (event.kind === 'commit' ? event.ops[0]!.rkey : event.kind))

async function follow(progress: MemoryProgress = createMemoryProgress(), servers = [server]): Promise<Run> {
  const sources = servers.map(({ url }) => url)
  return owned.use(await run({ sources, progress, backoff: { firstMs: 5, maxMs: 10 } }))
}

describe('a Jetstream', () => {
  it('is followed live, with records as they came', async context => {
    const corpus = await loadCorpus()
    context.skip(corpus === undefined, SHARED_DATA_ABSENT)
    const { expectedV1 } = corpus!
    const follower = await follow()
    expect(await server.nextConnection()).toBeUndefined()
    server.push(...expectedV1)
    await follower.until('all lines', () => follower.events.length === expectedV1.length)
    const lines = follower.events.map(event => {
      if (event.kind !== 'commit') return event.kind
      const { action, collection, rkey, record, cid: of } = event.ops[0]!
      const rest = record ? `,"record":${Buffer.from(record).toString()},"cid":"${of}"` : ''
      return `{"did":"${event.did}","time_us":${event.timeUs},"kind":"commit","commit":{"rev":"${event.rev}","operation":"${action}","collection":"${collection}","rkey":"${rkey}"${rest}}}`
    })
    // In frame order here, which is not that of the times: they go back now and then, and nothing is lost for it.
    expect(lines).toEqual(expectedV1)
    const times = expectedV1.map(line => (JSON.parse(line) as { time_us: number }).time_us)
    expect(follower.firehose.stats).toMatchObject({ ops: 82, unverified: 82, events: { commit: 82 } })
    expect(follower.firehose.stats.seqRegressions).toBeGreaterThan(0)
    await follower.until(
      'the position, which does not go back',
      () => follower.progress.cursor(parseSource(server.url).key)?.cursor === Math.max(...times),
    )
  })

  it('is gone on with where it was, without loss or doubles, also where several events have one time', async () => {
    const progress = createMemoryProgress()
    const first = await follow(progress)
    await server.nextConnection()
    server.push(post('a', t0), post('b', t0 + 10), account(t0 + 10, 1), post('c', t0 + 10))
    await first.until('these', () => first.events.length === 4)
    await first.stop()
    expect(progress.cursor(parseSource(server.url).key)).toMatchObject({
      cursor: t0 + 10,
      time: iso(t0 + 10),
    })

    server.push(post('d', t0 + 10), post('e', t0 + 20))
    const second = await follow(progress)
    expect(await server.nextConnection()).toBe(t0 + 10)
    server.push(post('f', t0 + 30))
    await second.until('the rest', () => second.events.length === 3)
    expect(keysOf(second.events)).toEqual(['d', 'e', 'f'])
    expect(second.dropped()).toEqual({ replay: 3 })
    expect(second.gaps).toEqual([])
  })

  it('is gone on with over cuts in the same way', async () => {
    const follower = await follow()
    await server.nextConnection()
    const expected: string[] = []
    for (let i = 0; i < 20; i++) {
      const name = `n${i}`
      expected.push(name)
      server.push(post(name, t0 + Math.floor(i / 3)))
      await follower.until(name, () => follower.events.length === i + 1)
      if (i % 4 === 1) {
        server.cut()
        await server.nextConnection()
      }
    }
    expect(keysOf(follower.events)).toEqual(expected)
    expect(follower.firehose.stats.connects).toBe(6)
  })

  it('that no longer has the event at the cursor makes a gap', async () => {
    const progress = createMemoryProgress()
    const first = await follow(progress)
    await server.nextConnection()
    server.push(post('a', t0))
    await first.until('it', () => first.events.length === 1)
    await first.stop()
    server.push(post('lost', t0 + 1_000_000), post('kept', t0 + 2_000_000))
    server.forgetBefore(t0 + 2_000_000)
    const second = await follow(progress)
    await second.until('what is left', () => second.events.length === 1)
    expect(keysOf(second.events)).toEqual(['kept'])
    expect(second.gaps).toEqual([
      { source: server.url, from: iso(t0), to: iso(t0 + 2_000_000), reason: 'outdated_cursor' },
    ])
  })

  it('that begins too early is passed over up to the cursor', async () => {
    const progress = createMemoryProgress()
    const first = await follow(progress)
    await server.nextConnection()
    server.push(post('a', t0), post('b', t0 + 10))
    await first.until('these', () => first.events.length === 2)
    await first.stop()
    const second = await follow(progress)
    await server.nextConnection()
    for (const line of [post('older', t0 - 5), post('a', t0), post('b', t0 + 10), post('c', t0 + 20)])
      server.send(line)
    await second.until('the new one', () => second.events.length === 1)
    expect(keysOf(second.events)).toEqual(['c'])
  })

  it('that repeats and mixes up where replay and live stream meet loses nothing, and doubles nothing', async () => {
    const follower = await follow()
    await server.nextConnection()
    const sent = [1, 2, 5, 3, 4, 3, 2, 6].map(i => post(`n${i}`, t0 + i))
    for (const line of sent) server.send(line)
    await follower.until('all', () => follower.events.length === 6)
    expect(keysOf(follower.events)).toEqual(['n1', 'n2', 'n5', 'n3', 'n4', 'n6'])
    expect(follower.firehose.stats).toMatchObject({ seqRegressions: 2, dropped: { replay: 2 } })
  })

  it('may send heartbeats and kinds that nobody knows; what is malformed is counted', async () => {
    const follower = await follow()
    await server.nextConnection()
    server.send(`{"kind":"cursor","time_us":${t0 + 99}}`)
    server.send('{"kind":"label","did":"did:plc:a"}')
    server.send('{"kind":"commit"}')
    server.send('no JSON')
    server.send(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd))
    server.push(post('a', t0))
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.firehose.stats).toMatchObject({ frames: 6, unknownMessages: 2, connects: 1 })
    expect(follower.dropped()).toEqual({ jetstream_bad_message: 3 })
    expect(follower.drops.map(({ detail }) => detail)).toContain('the message is not JSON')
  })
})

describe('several Jetstreams', () => {
  it('take over from each other a little earlier, without doubles', async () => {
    const other = owned.use(await startJetstreamServer())
    const follower = await follow(createMemoryProgress(), [server, other])
    await server.nextConnection()
    // The same events, at times of their own.
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`)
    const here = names.map((name, i) => post(name, t0 + i * 1_000_000))
    const there = names.map((name, i) => post(name, t0 + i * 1_000_000 + 300_000))
    server.push(...here.slice(0, 16))
    await follower.until('these', () => follower.events.length === 16)
    other.push(...there)
    server.refuse(true)
    server.cut()
    expect(await other.nextConnection()).toBe(t0 + 15_000_000 - 10_000_000)
    await follower.until('the rest', () => follower.events.length === 20)
    expect(keysOf(follower.events)).toEqual(names)
    expect(follower.dropped()).toEqual({ replay: 11 })
    expect(follower.gaps).toEqual([])
  })
})
