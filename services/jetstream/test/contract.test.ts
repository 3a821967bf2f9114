import { randomBytes } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import {
  hasSharedData,
  SHARED_DATA_ABSENT,
  sharedData,
  startFakeRelay,
  waitFor,
  within,
} from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { metricValue, refusedUpgrade, startTestJetstream, subscribe } from './harness.ts'
import { startWorld, type World } from './world.ts'

// The acceptance checklist of the v1 contract, over real sockets. One Jetstream serves all tests that only add to it.

let world: World
beforeAll(async () => {
  world = await startWorld({ 'zstd-dictionary': sharedData('firehose', 'jetstream-v1.zdict') }).catch(() =>
    // Without the shared data there is no dictionary to give.
    startWorld(),
  )
  // From now on every key is known, so that all accounts' events come out in the order they were sent.
  using client = await subscribe(world.jetstream.subscribeUrl())
  for (let i = 0; i < 4; i++) world.create(i)
  await client.count(4)
})
afterAll(() => world[Symbol.asyncDispose]())

/** As many DIDs as one likes. */
const did = (i: number): string =>
  `did:plc:${Array.from(String(i), digit => 'abcdefghij'[Number(digit)])
    .join('')
    .padStart(24, 'k')}`
const repeat = (name: string, values: readonly string[]): string =>
  values.map(value => `${name}=${encodeURIComponent(value)}`).join('&')

/** Connects, sends one event for certain, and answers what came. */
async function seen(
  query: string,
  make: () => void,
  count: number,
): Promise<{ kinds: string[]; names: string[] }> {
  using client = await subscribe(world.jetstream.subscribeUrl(query))
  make()
  await client.count(count)
  await settled()
  const events = client.events.filter(event => event.did !== world.did(3))
  return {
    kinds: events.map(event => event.kind),
    names: events.map(event => event.commit?.collection ?? event.kind),
  }
}

/** Waits until everything that was pushed has gone out to subscribers. */
async function settled(): Promise<void> {
  using witness = await subscribe(world.jetstream.subscribeUrl(`wantedDids=${world.did(3)}`))
  world.create(3)
  await witness.count(1)
}

describe('upgrade', () => {
  it('takes subscribers with and without parameters, and unknown parameters', async () => {
    expect((await seen('', () => world.create(0), 1)).kinds).toEqual(['commit'])
    expect((await seen('something=else', () => world.create(0), 1)).kinds).toEqual(['commit'])
  })

  it('answers requests that are no WebSocket with an error, and everything with CORS', async () => {
    const { url } = world.jetstream.service
    const plain = await fetch(`${url}/subscribe`)
    expect(plain.status).toBe(426)
    const home = await fetch(url)
    expect(await home.text()).toMatch(/^Welcome to Jetstream/)
    expect([plain, home].map(answer => answer.headers.get('access-control-allow-origin'))).toEqual(['*', '*'])
  })

  it('takes any origin, and does not negotiate permessage-deflate', async () => {
    const socket = new WebSocket(world.jetstream.subscribeUrl('compress=true'), {
      origin: 'https://example.com',
      perMessageDeflate: true,
    })
    await new Promise(resolve => socket.once('open', resolve))
    expect(socket.extensions).toBe('')
    socket.terminate()
  })
})

describe('limits of the filter', () => {
  const collections = (n: number): string[] => Array.from({ length: n }, (_, i) => `app.test.c${i}`)
  const dids = (n: number): string[] => Array.from({ length: n }, (_, i) => did(i))

  it('are 100 collections and 10,000 DIDs', async () => {
    for (const query of [repeat('wantedCollections', collections(100)), repeat('wantedDids', dids(10_000))]) {
      using client = await subscribe(world.jetstream.subscribeUrl(query))
      expect(client.socket.readyState).toBe(WebSocket.OPEN)
    }
    const tooMany = await refusedUpgrade(
      world.jetstream.subscribeUrl(repeat('wantedCollections', collections(101))),
    )
    expect(tooMany).toEqual({ status: 400, body: expect.stringMatching(/wantedCollections/) })
    const tooManyDids = await refusedUpgrade(world.jetstream.subscribeUrl(repeat('wantedDids', dids(10_001))))
    expect(tooManyDids).toEqual({ status: 400, body: expect.stringMatching(/wantedDids/) })
  })

  it('do not count what is there twice', async () => {
    const twice = repeat('wantedCollections', [...collections(100), ...collections(100)])
    using client = await subscribe(world.jetstream.subscribeUrl(twice))
    expect(client.socket.readyState).toBe(WebSocket.OPEN)
  })

  it.each([
    ['wantedCollections=app.bsky.feed.fo*'],
    ['wantedCollections=*'],
    ['wantedCollections='],
    ['wantedCollections=app.bsky.feed.post,app.bsky.feed.like'],
    ['wantedDids=did:plc'],
    ['wantedDids=alice.test'],
    ['wantedKinds=posts'],
    ['cursor=yesterday'],
    ['cursor=-5'],
    ['cursor=12.5'],
    ['cursor=99999999999999999999'],
    ['heartbeat=0'],
    ['heartbeat=soon'],
    ['wantedCollections=%zz'],
  ])('refuse %s with 400 before the upgrade, naming it', async query => {
    const { status, body } = await refusedUpgrade(world.jetstream.subscribeUrl(query))
    expect(status).toBe(400)
    expect(body).toMatch(/collection|did|wantedKinds|cursor|heartbeat|query/)
  })

  it('take other than these as the other servers do', async () => {
    for (const query of [
      'maxMessageSizeBytes=',
      'maxMessageSizeBytes=big',
      'maxMessageSizeBytes=-1',
      'maxMessageSizeBytes=4294967296',
      'cursor=',
      'compress=yes',
      'requireHello=1',
      'wantedCollections=not%20valid.*',
      'wantedCollections=.*',
    ]) {
      using client = await subscribe(world.jetstream.subscribeUrl(query))
      expect(client.socket.readyState).toBe(WebSocket.OPEN)
    }
  })
})

describe('filters', () => {
  const all = (): void => {
    world.create(0, 'app.bsky.graph.follow', { subject: 'x' })
    world.create(0, 'app.bsky.graphic.art', { a: 1 })
    world.create(0, 'app.bsky.feed.post')
    world.create(1, 'com.example.thing', { b: 2 })
    world.identity(0)
    world.identity(1)
    world.accountStatus(1, true)
  }

  // Between accounts no order is promised: what needs no look at a signature may come first.
  const sorted = ({ names }: { names: string[] }): string[] => names.toSorted()

  it('match collections exactly or below a prefix, which keeps its last dot', async () => {
    const notices = ['account', 'identity', 'identity']
    expect(sorted(await seen('wantedCollections=app.bsky.graph.*', all, 4))).toEqual(
      ['app.bsky.graph.follow', ...notices].toSorted(),
    )
    expect(sorted(await seen('wantedCollections=app.bsky.*', all, 6))).toEqual(
      ['app.bsky.feed.post', 'app.bsky.graph.follow', 'app.bsky.graphic.art', ...notices].toSorted(),
    )
    const two = 'wantedCollections=com.example.thing&wantedCollections=app.bsky.feed.like'
    expect(sorted(await seen(two, all, 4))).toEqual(['com.example.thing', ...notices].toSorted())
  })

  it('let identity and account events pass a collection filter, and obey a DID filter with every kind', async () => {
    expect((await seen(`wantedCollections=com.example.*&wantedDids=${world.did(1)}`, all, 3)).names).toEqual([
      'com.example.thing',
      'identity',
      'account',
    ])
    expect((await seen(`wantedDids=${world.did(0)}`, all, 4)).names).toEqual([
      'app.bsky.graph.follow',
      'app.bsky.graphic.art',
      'app.bsky.feed.post',
      'identity',
    ])
  })

  it('choose kinds on request', async () => {
    expect((await seen(`wantedKinds=identity&wantedDids=${world.did(0)}`, all, 1)).kinds).toEqual([
      'identity',
    ])
    expect(
      (await seen(`wantedKinds=commit&wantedKinds=account&wantedDids=${world.did(1)}`, all, 2)).kinds,
    ).toEqual(['commit', 'account'])
  })

  it('cap sizes by the bytes of the line, the cap itself passing', async () => {
    using first = await subscribe(world.jetstream.subscribeUrl(`wantedDids=${world.did(0)}`))
    const send = (text: string): void => void world.create(0, 'app.bsky.feed.post', { text })
    send('a'.repeat(300))
    await first.count(1)
    const size = first.messages[0]!.data.length
    using exact = await subscribe(
      world.jetstream.subscribeUrl(`wantedDids=${world.did(0)}&maxMessageSizeBytes=${size}`),
    )
    using below = await subscribe(
      world.jetstream.subscribeUrl(`wantedDids=${world.did(0)}&maxMessageSizeBytes=${size - 1}`),
    )
    send('b'.repeat(300))
    send('c')
    await exact.count(2)
    await below.count(1)
    expect(below.lines[0]).toMatch(/"text":"c"/)
  })
})

describe('cursor', () => {
  it('is inclusive, replays in order, and goes over into what is new without loss or double', async () => {
    using live = await subscribe(world.jetstream.subscribeUrl())
    for (let i = 0; i < 30; i++) world.create(i % 3)
    await live.count(30)
    const from = live.events[10]!.time_us
    using replay = await subscribe(world.jetstream.subscribeUrl(`cursor=${from}`))
    for (let i = 0; i < 20; i++) world.create(i % 3)
    await live.count(50)
    await replay.count(40)
    expect(replay.lines.slice(0, 40)).toEqual(live.lines.slice(10, 50))
    const times = replay.events.map(event => event.time_us)
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
  })

  it('of the future begins now, a too old one with the oldest, none with what is new', async () => {
    using live = await subscribe(world.jetstream.subscribeUrl())
    using future = await subscribe(world.jetstream.subscribeUrl(`cursor=${(Date.now() + 3_600_000) * 1000}`))
    using old = await subscribe(world.jetstream.subscribeUrl('cursor=1000000000000000'))
    using zero = await subscribe(world.jetstream.subscribeUrl('cursor=0'))
    world.create(0)
    await live.count(1)
    await future.count(1)
    expect(future.lines).toEqual(live.lines)
    await waitFor(() => old.lines.at(-1) === live.lines[0] && zero.lines.at(-1) === live.lines[0])
    expect(old.lines.length).toBeGreaterThan(80)
    expect(zero.lines).toEqual(old.lines)
  })

  it('between the newest event and now begins with what is new', async () => {
    await settled()
    using client = await subscribe(world.jetstream.subscribeUrl(`cursor=${Date.now() * 1000}`))
    world.create(0)
    await client.count(1)
    await settled()
    expect(client.messages.length).toBeLessThanOrEqual(2)
  })

  it('in seconds or milliseconds is understood; another small number is refused', async () => {
    using live = await subscribe(world.jetstream.subscribeUrl())
    await new Promise(resolve => setTimeout(resolve, 1_100))
    const seconds = Math.floor(Date.now() / 1000)
    world.create(0)
    await live.count(1)
    for (const cursor of [seconds, seconds * 1000]) {
      using client = await subscribe(world.jetstream.subscribeUrl(`cursor=${cursor}`))
      await client.count(1)
      expect(client.lines.at(-1)).toBe(live.lines[0])
      expect(client.messages.length).toBeLessThan(5)
    }
    for (const cursor of ['5', '1234567', '999999999999999']) {
      const refused = await refusedUpgrade(world.jetstream.subscribeUrl(`cursor=${cursor}`))
      expect(refused).toEqual({
        status: 400,
        body: expect.stringMatching(/invalid cursor: \d+; .*microseconds/),
      })
    }
  })
})

describe('compression', () => {
  it('is binary zstd frames of the same lines, by parameter or by header', async context => {
    context.skip(!hasSharedData('firehose'), SHARED_DATA_ABSENT)
    const { readFileSync } = await import('node:fs')
    const dictionary = readFileSync(sharedData('firehose', 'jetstream-v1.zdict'))
    using plain = await subscribe(world.jetstream.subscribeUrl('compress=false'))
    using parameter = await subscribe(world.jetstream.subscribeUrl('compress=true'))
    using header = await subscribe(world.jetstream.subscribeUrl(), { 'socket-encoding': 'zstd' })
    using filtered = await subscribe(world.jetstream.subscribeUrl(`compress=true&wantedDids=${world.did(1)}`))
    for (let i = 0; i < 9; i++) world.create(i % 3)
    await Promise.all([plain, parameter, header].map(client => client.count(9)))
    await filtered.count(3)
    const unzip = ({ data }: { data: Buffer }): string => zstdDecompressSync(data, { dictionary }).toString()
    expect(plain.messages.some(({ isBinary }) => isBinary)).toBe(false)
    for (const client of [parameter, header]) {
      expect(client.messages.every(({ isBinary }) => isBinary)).toBe(true)
      expect(client.messages.map(unzip)).toEqual(plain.lines)
    }
    expect(filtered.messages.map(unzip)).toEqual(plain.lines.filter(line => line.includes(world.did(1))))
    // Made with the dictionary: nobody reads them without.
    expect(() => zstdDecompressSync(parameter.messages[0]!.data)).toThrow(/dictionary/i)
  })

  it('replays compressed what was sent plain', async context => {
    context.skip(!hasSharedData('firehose'), SHARED_DATA_ABSENT)
    const { readFileSync } = await import('node:fs')
    const dictionary = readFileSync(sharedData('firehose', 'jetstream-v1.zdict'))
    using live = await subscribe(world.jetstream.subscribeUrl())
    for (let i = 0; i < 5; i++) world.create(0)
    await live.count(5)
    using replay = await subscribe(
      world.jetstream.subscribeUrl(`compress=true&cursor=${live.events[0]!.time_us}`),
    )
    await replay.count(5)
    expect(replay.messages.map(({ data }) => zstdDecompressSync(data, { dictionary }).toString())).toEqual(
      live.lines,
    )
  })
})

describe('messages of the client', () => {
  const update = (payload: unknown): unknown => ({ type: 'options_update', payload })

  it('requireHello sends nothing before the first update, then what that asks for; later updates work too', async () => {
    using client = await subscribe(world.jetstream.subscribeUrl('requireHello=true'))
    world.create(0)
    await settled()
    expect(client.messages).toEqual([])
    client.send(update({ wantedCollections: ['com.example.one'] }))
    await waitFor(
      async () => (await metricValue(world.jetstream.metrics, 'jetstream_options_updates_total')) >= 1,
    )
    world.create(0, 'com.example.one', { a: 1 })
    world.create(0, 'com.example.two', { a: 1 })
    await client.count(1)
    await settled()
    client.send(update({ wantedCollections: ['com.example.two'] }))
    await waitFor(
      async () => (await metricValue(world.jetstream.metrics, 'jetstream_options_updates_total')) >= 2,
    )
    world.create(0, 'com.example.one', { a: 1 })
    world.create(0, 'com.example.two', { a: 1 })
    await client.count(2)
    expect(client.events.map(event => event.commit!.collection)).toEqual([
      'com.example.one',
      'com.example.two',
    ])
  })

  it('requireHello keeps the cursor that was given', async () => {
    using live = await subscribe(world.jetstream.subscribeUrl())
    world.create(0)
    await live.count(1)
    using client = await subscribe(
      world.jetstream.subscribeUrl(`requireHello=true&cursor=${live.events[0]!.time_us}`),
    )
    client.send(update({}))
    await client.count(1)
    expect(client.lines[0]).toBe(live.lines[0])
  })

  it('an update replaces the whole filter and applies its size cap', async () => {
    using client = await subscribe(
      world.jetstream.subscribeUrl(`wantedDids=${world.did(0)}&wantedCollections=com.example.none`),
    )
    const before = await metricValue(world.jetstream.metrics, 'jetstream_options_updates_total')
    client.send(update({ wantedDids: [world.did(1)], maxMessageSizeBytes: 400 }))
    await waitFor(
      async () => (await metricValue(world.jetstream.metrics, 'jetstream_options_updates_total')) > before,
    )
    world.create(0)
    world.create(1, 'app.bsky.feed.post', { text: 'x'.repeat(400) })
    world.create(1, 'app.bsky.feed.post', { text: 'small' })
    await client.count(1)
    expect(client.lines[0]).toMatch(/"text":"small"/)
  })

  it('ignores binary messages and other types', async () => {
    using client = await subscribe(world.jetstream.subscribeUrl())
    client.socket.send(randomBytes(50), { binary: true })
    client.send({ type: 'something', payload: { wantedDids: 3 } })
    world.create(0)
    await client.count(1)
    expect(client.socket.readyState).toBe(WebSocket.OPEN)
  })

  it.each([
    ['{', 1007, /not JSON/],
    ['[]', 1007, /bad message/],
    [{ type: 3 }, 1007, /bad message/],
    [update([]), 1007, /bad options_update/],
    [update({ wantedDids: 'did:plc:x' }), 1007, /wantedDids/],
    [update({ wantedCollections: ['app.bsky.feed.fo*'] }), 1008, /invalid collection: app\.bsky\.feed\.fo\*/],
    [update({ wantedDids: ['nobody'] }), 1008, /invalid did: nobody/],
    [
      update({ wantedCollections: Array.from({ length: 101 }, (_, i) => `a.b.c${i}`) }),
      1008,
      /too many wantedCollections/,
    ],
    [update({ wantedCollections: [`${'x'.repeat(200)}é*`] }), 1008, /^.{1,123}$/],
  ])('closes on %j with %i', async (message, code, reason) => {
    using client = await subscribe(world.jetstream.subscribeUrl())
    client.send(message)
    const closed = await within(client.closed, 'the close')
    expect(closed).toEqual({ code, reason: expect.stringMatching(reason) })
  })

  it('closes on more than ten million bytes with 1009, and takes a little less', async () => {
    using client = await subscribe(world.jetstream.subscribeUrl())
    client.send(JSON.stringify({ type: 'other', payload: 'x'.repeat(9_999_000) }))
    world.create(0)
    await client.count(1)
    client.send('x'.repeat(10_000_001))
    expect((await within(client.closed, 'the close')).code).toBe(1009)
  })
})

describe('events', () => {
  it('are of three kinds only, in the order of each account, one for each operation', async () => {
    using client = await subscribe(world.jetstream.subscribeUrl())
    const many = Array.from({ length: 5 }, (_, i) => ({
      action: 'create' as const,
      collection: 'com.example.many',
      rkey: `m${i}`,
      record: { i },
    }))
    world.commit(0, ...many)
    world.relay.push(world.account(0).sync(world.nextSeq()))
    world.commit(
      0,
      { action: 'update', collection: 'com.example.many', rkey: 'm0', record: { i: 9 } },
      { action: 'delete', collection: 'com.example.many', rkey: 'm1' },
    )
    world.identity(0, 'alice.test')
    world.accountStatus(0, false, 'deactivated')
    world.accountStatus(0, true)
    await client.count(10)
    await settled()
    expect(client.events.slice(0, 10).map(event => event.commit?.operation ?? event.kind)).toEqual([
      'create',
      'create',
      'create',
      'create',
      'create',
      'update',
      'delete',
      'identity',
      'account',
      'account',
    ])
    const shape = client.lines.map(line =>
      line
        .replaceAll(/\d{16}/g, 'T')
        .replaceAll(/"time":"[^"]+"/g, '"time":"t"')
        .replaceAll(/"seq":\d+/g, '"seq":1'),
    )
    expect(shape[6]).toMatch(
      /^\{"did":"did:plc:a{24}","time_us":T,"kind":"commit","commit":\{"rev":"\w{13}","operation":"delete","collection":"com\.example\.many","rkey":"m1"\}\}$/,
    )
    expect(shape[7]).toBe(
      `{"did":"${world.did(0)}","time_us":T,"kind":"identity","identity":{"did":"${world.did(0)}","handle":"alice.test","seq":1,"time":"t"}}`,
    )
    expect(shape[8]).toBe(
      `{"did":"${world.did(0)}","time_us":T,"kind":"account","account":{"active":false,"did":"${world.did(0)}","seq":1,"status":"deactivated","time":"t"}}`,
    )
    expect(shape[9]).toBe(
      `{"did":"${world.did(0)}","time_us":T,"kind":"account","account":{"active":true,"did":"${world.did(0)}","seq":1,"time":"t"}}`,
    )
  })

  it('tell a quiet client where it is, on request', async () => {
    using client = await subscribe(world.jetstream.subscribeUrl('wantedDids=did:web:nobody.test&heartbeat=1'))
    world.create(0)
    await client.count(1)
    const beat = JSON.parse(client.lines[0]!) as { kind: string; time_us: number }
    expect(Object.keys(beat)).toEqual(['kind', 'time_us'])
    expect(beat.kind).toBe('cursor')
    using again = await subscribe(world.jetstream.subscribeUrl(`cursor=${beat.time_us + 1}`))
    world.create(1)
    await again.count(1)
    expect(again.events[0]!.did).toBe(world.did(1))
  })
})

describe('the end', () => {
  it('is told with 1001', async () => {
    await using relay = await startFakeRelay()
    const jetstream = await startTestJetstream({ source: relay.url, verify: 'off' })
    using client = await subscribe(jetstream.subscribeUrl())
    await jetstream[Symbol.asyncDispose]()
    expect(await within(client.closed, 'the close')).toEqual({ code: 1001, reason: 'server shutting down' })
  })
})

describe('limits of connections', () => {
  it('are for each address and for all, with a status and when to come back', async () => {
    await using relay = await startFakeRelay()
    await using jetstream = await startTestJetstream({
      source: relay.url,
      verify: 'off',
      'max-connections-per-ip': '2',
      'max-connections': '3',
      'trust-proxy': 'loopback',
    })
    const url = jetstream.subscribeUrl()
    using a = await subscribe(url)
    using b = await subscribe(url)
    expect((await refusedUpgrade(url)).status).toBe(429)
    // A trusted proxy speaks for its clients.
    using c = await subscribe(url, { 'x-forwarded-for': '198.51.100.7' })
    expect((await refusedUpgrade(url, { 'x-forwarded-for': '198.51.100.8' })).status).toBe(503)
    a.socket.close()
    await a.closed
    using d = await waitFor(() => subscribe(url).catch(() => undefined))
    expect([b, c, d].every(client => client.socket.readyState === WebSocket.OPEN)).toBe(true)
    const labels = (await jetstream.metrics.registry.getMetricsAsJSON()).flatMap(metric =>
      metric.values.flatMap(value => Object.values(value.labels)),
    )
    expect(labels.map(String).filter(label => /\d+\.\d+\.\d+\.\d+|::/.test(label))).toEqual([])
  })
})
