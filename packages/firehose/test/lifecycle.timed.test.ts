import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { encodeFrame, type FakeRelay, startFakeRelay, waitFor } from '@orrery/testnet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createMemoryProgress,
  type Firehose,
  type FirehoseOptions,
  openFirehose,
  parseSource,
  parseSources,
} from '../src/index.ts'
import { Author } from './support/author.ts'
import { Feed, nameOf, nameOfDraft, run } from './support/run.ts'

let owned: AsyncDisposableStack
let relay: FakeRelay
let feed: Feed
let alice: Author
let numbers = 300

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  relay = owned.use(await startFakeRelay())
  feed = new Feed(relay)
  alice = new Author(++numbers)
})
afterEach(() => owned.disposeAsync())

function open(options: Partial<FirehoseOptions> = {}): Promise<Firehose> {
  return openFirehose({
    sources: parseSources([relay.url]),
    progress: createMemoryProgress(),
    verify: 'off',
    threads: 1,
    backoff: { firstMs: 20, maxMs: 50 },
    ...options,
  })
}

const noThreads = (): boolean => !process.getActiveResourcesInfo().includes('MessagePort')

describe('connections', () => {
  it('are tried again when refused, turned away, left hanging or cut', async () => {
    const { port } = relay
    await relay[Symbol.asyncDispose]()
    const follower = owned.use(
      await run({ sources: [`ws://127.0.0.1:${port}`], verify: 'off', connectTimeoutMs: 100 }),
    )
    await follower.until('a refusal', () => follower.notices.some(text => text.includes('ECONNREFUSED')))
    relay = owned.use(await startFakeRelay({ port }))
    relay.refuse({ status: 503 })
    await follower.until('to be turned away', () =>
      follower.notices.some(text => text.includes('answered 503')),
    )
    relay.refuse({ status: 'silence' })
    await follower.until('a hanging', () =>
      follower.notices.some(text => text.includes('connecting took longer')),
    )
    relay.accept()
    await relay.nextConnection()
    relay.cut()
    await relay.nextConnection()
    const post = alice.post('at last')
    new Feed(relay).push(post)
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.events.map(nameOf)).toEqual([nameOfDraft(post)])
    expect(follower.firehose.status()).toMatchObject({ state: 'live', sources: [{ lastError: '' }] })
  })

  it('wait as long as the source asks', async () => {
    relay.refuse({ status: 429, retryAfterSeconds: 1, times: 1 })
    const startedAt = performance.now()
    owned.use(await run({ sources: [relay.url], verify: 'off' }))
    await relay.nextConnection()
    expect(performance.now() - startedAt).toBeGreaterThan(990)
    expect(relay.stats()).toMatchObject({ refused: 1, connections: 1 })
  })

  it('that are half open are made anew, and quiet ones are left alone', async () => {
    const follower = owned.use(await run({ sources: [relay.url], verify: 'off', pingMs: 40 }))
    await relay.nextConnection()
    await waitFor(() => relay.stats().pings >= 15)
    expect(relay.stats().connections).toBe(1)
    relay.ignorePings()
    await relay.nextConnection()
    relay.ignorePings(false)
    expect(follower.notices.join()).toContain('no sign of life')
  })

  it('that were busy and are silent are made anew, though they answer pings', async () => {
    const suspicion = { perSecond: 50, forMs: 300, silenceMs: 150 }
    const follower = owned.use(await run({ sources: [relay.url], verify: 'off', pingMs: 30, suspicion }))
    await relay.nextConnection()
    const until = performance.now() + 700
    while (performance.now() < until) {
      // Fresh by their own word: a replay says nothing of the pace.
      const time = new Date().toISOString()
      const account = { ...alice.account(true), rev: '' }
      feed.push({ ...account, body: { ...account.body, time } })
      await sleep(2)
    }
    await relay.nextConnection()
    expect(follower.notices.join()).toContain('it answers but sent nothing')
    // Now it is quiet from the start, which is no crime.
    await sleep(400)
    expect(relay.stats().connections).toBe(2)
  })
})

describe('backpressure', () => {
  it('reaches the relay when the consumer stops, and nothing is lost when it goes on', async () => {
    const count = 45_000
    const gate = Promise.withResolvers<void>()
    const follower = owned.use(
      await run({
        sources: [relay.url],
        verify: 'off',
        async onBatch() {
          await gate.promise
        },
      }),
    )
    await relay.nextConnection()
    const pad = 'x'.repeat(900)
    for (let i = 1; i <= count; i++) {
      const body = { seq: i, did: alice.did, active: true, time: new Date(i).toISOString(), pad }
      relay.push(encodeFrame({ header: { op: 1, t: '#account' }, body }), i)
    }
    await expect(relay.drained(1_500)).rejects.toThrow('timed out')
    const { stats } = follower.firehose
    // A busy machine may still be taking in what it may.
    await follower.until('a standstill', async () => {
      const before = stats.frames
      await sleep(300)
      return stats.frames === before
    })
    // What is taken in is bounded by events, whatever else waits in the sockets.
    expect(stats.frames).toBeLessThan(25_000)
    // Its lag shows, though the newest event it has seen is a moment old.
    expect(follower.firehose.status().lagMs).toBeGreaterThan(1_000)
    gate.resolve()
    await follower.until('all events', () => follower.events.length === count, 20_000)
    expect(follower.events.map(({ seq }) => seq)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    expect(stats.connects).toBe(1)
  })
})

describe('the end', () => {
  it('by the signal comes quickly, wherever it is, and closes the socket', async () => {
    const stop = new AbortController()
    const firehose = await open({ signal: stop.signal })
    const end = (async () => {
      for await (const batch of firehose) void batch
    })()
    const peer = await relay.nextConnection()
    feed.push(alice.post('1'))
    await waitFor(() => firehose.stats.events.commit === 1)
    const startedAt = performance.now()
    stop.abort()
    await end
    expect(performance.now() - startedAt).toBeLessThan(300)
    expect((await peer.closed).code).toBe(1000)
    await waitFor(noThreads)
    expect((await firehose[Symbol.asyncIterator]().next()).done).toBe(true)
  })

  it('by the signal also comes in a pause, in connecting, and behind a slow identity', async () => {
    relay.refuse({ status: 'silence', times: 1 })
    const connecting = await run({ sources: [relay.url], verify: 'off' })
    await waitFor(() => relay.stats().refused === 1)
    relay.refuse({ status: 503 })
    const pausing = await run({ sources: [relay.url], verify: 'off', backoff: { firstMs: 60_000 } })
    await waitFor(() => relay.stats().refused === 2)
    relay.accept()
    const never = new Promise<never>(() => {})
    const resolve = (_: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<never> =>
      Promise.race([never, once(signal!, 'abort').then(() => never)])
    const waiting = await run({
      sources: [relay.url],
      identity: { cached: () => undefined, resolve, refresh: resolve, purge: () => {} },
    })
    await relay.nextConnection()
    feed.push(alice.post('1'))
    await waitFor(() => waiting.firehose.stats.frames === 1)
    const startedAt = performance.now()
    await Promise.all([connecting.stop(), pausing.stop(), waiting.stop()])
    expect(performance.now() - startedAt).toBeLessThan(300)
    expect(waiting.events).toEqual([])
    await waitFor(noThreads)
  })

  it('by leaving the loop disposes everything', async () => {
    const firehose = await open()
    const pushing = relay.nextConnection().then(peer => {
      feed.push(alice.post('1'))
      return peer
    })
    for await (const batch of firehose) {
      expect(batch.events).toHaveLength(1)
      break
    }
    expect((await (await pushing).closed).code).toBe(1000)
    await waitFor(noThreads)
  })

  it('by disposing works before, within and after the loop, and twice', async () => {
    const unused = await open()
    await unused[Symbol.asyncDispose]()
    const firehose = await open()
    void relay.nextConnection().then(() => feed.push(alice.post('1')))
    for await (const batch of firehose) {
      void batch
      await firehose[Symbol.asyncDispose]()
    }
    await firehose[Symbol.asyncDispose]()
    await waitFor(noThreads)
    await waitFor(() => relay.stats().open === 0)
    expect(relay.stats().connections).toBe(1)
  })

  it('leaves a process with nothing to wait for', async () => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('fixtures/one-event.ts', import.meta.url)), relay.url],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const output: string[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()))
    await relay.nextConnection()
    feed.push(alice.post('1'))
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(0)
    const { leftAt, warnings } = JSON.parse(output.join('')) as { leftAt: number; warnings: string[] }
    expect(Date.now() - leftAt).toBeLessThan(1_500)
    expect(warnings).toEqual([])
  })
})

describe('a failure of ours', () => {
  it('ends the iteration with it, also when nobody was waiting for it', async () => {
    const broken = new Error('the document store is broken')
    const resolve = async (): Promise<never> => {
      await sleep(20)
      throw broken
    }
    const follower = owned.use(
      await run({
        sources: [relay.url],
        identity: { cached: () => undefined, resolve, refresh: resolve, purge: () => {} },
      }),
    )
    await relay.nextConnection()
    feed.push(alice.post('1'))
    await expect(follower.ended).rejects.toBe(broken)
    await waitFor(noThreads)
    await waitFor(() => relay.stats().open === 0)
  })

  it('in reading progress does too', async () => {
    const progress = createMemoryProgress()
    const broken = new Error('the database is broken')
    const account = (): never => {
      throw broken
    }
    const follower = owned.use(
      await run({ sources: [relay.url], verify: 'off', progress: { ...progress, account } }),
    )
    await relay.nextConnection()
    feed.push(alice.post('1'))
    await expect(follower.ended).rejects.toBe(broken)
  })
})

describe('openFirehose', () => {
  const jetstream = parseSource('ws://127.0.0.1:9/subscribe')
  const plain = parseSource('ws://127.0.0.1:9')
  it.each([
    ['no source', { sources: [] }, 'no source'],
    ['two kinds', { sources: [jetstream, plain] }, 'two kinds'],
    ['Jetstreams to merge', { sources: [jetstream], merge: true }, 'only relays can be merged'],
    ['nobody to ask for keys', { sources: [plain], verify: 'strict' as const }, 'takes an identity resolver'],
    ['no threads', { sources: [plain], threads: 0 }, 'threads must be at least 1'],
  ])('refuses %s', async (_, options, message) => {
    await expect(open(options)).rejects.toThrow(TypeError)
    await expect(open(options)).rejects.toThrow(message)
  })
})
