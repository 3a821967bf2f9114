import { JetstreamSubscription } from '@atcute/jetstream'
import { IdResolver } from '@atproto/identity'
import { Firehose as AtprotoFirehose } from '@atproto/sync'
import { createMemoryProgress, openFirehose, parseSources } from '@orrery/firehose'
import { createGuardedFetch, createIdentityResolver } from '@orrery/identity'
import { type Network, startNetwork, waitFor, within } from '@orrery/testnet'
import { Jetstream as SkywareJetstream } from '@skyware/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { metricValue, startTestJetstream, subscribe, type TestJetstream } from './harness.ts'

// Clients that other people wrote, as published, follow a real PDS through our server.

type Did = `did:${string}:${string}`

let stack: AsyncDisposableStack
let network: Network
let jetstream: TestJetstream

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  network = stack.use(await startNetwork({ accounts: 3 }))
  jetstream = stack.use(
    await startTestJetstream({
      source: network.pds.url,
      'plc-url': network.plc.url,
      'allow-private-hosts': true,
      verify: 'strict',
    }),
  )
  await waitFor(() => jetstream.service.health().status === 'ok')
})
afterAll(() => stack.disposeAsync())

describe('@atcute/jetstream', () => {
  it('follows with filters, validates every event, and resumes from its cursor', async () => {
    const [alice, bob] = network.accounts as [Network['accounts'][0], Network['accounts'][0]]
    const url = jetstream.service.url.replace('http', 'ws')
    const options = {
      url,
      wantedCollections: ['app.bsky.feed.post'],
      wantedDids: [alice.did as Did],
      validateEvents: true,
    }
    const texts: string[] = []
    let cursor = 0
    const first = new JetstreamSubscription(options)
    const reading = (async () => {
      for await (const event of first) {
        if (event.kind !== 'commit' || event.commit.operation !== 'create') continue
        texts.push((event.commit.record as { text: string }).text)
        cursor = event.time_us
        if (texts.length === 2) break
      }
    })()
    await waitFor(async () => (await subscribers()) === 1)
    await alice.post('one')
    await bob.post('not for us')
    const post = await alice.post('two')
    await alice.like({ uri: post.uri, cid: post.cid })
    await within(reading, 'two posts')
    expect(texts).toEqual(['one', 'two'])

    await alice.post('three, while nobody listened')
    for await (const event of new JetstreamSubscription({ ...options, cursor })) {
      if (event.kind !== 'commit' || event.commit.operation !== 'create') continue
      texts.push((event.commit.record as { text: string }).text)
      if (texts.at(-1)!.startsWith('three')) break
    }
    // Inclusive: the event at the cursor comes again.
    expect(texts).toEqual(['one', 'two', 'two', 'three, while nobody listened'])
  })

  it('understands identity and account events', async () => {
    const carol = network.accounts[2]!
    const kinds: string[] = []
    const reading = (async () => {
      const url = jetstream.service.url.replace('http', 'ws')
      for await (const event of new JetstreamSubscription({
        url,
        wantedDids: [carol.did as Did],
        validateEvents: true,
      })) {
        kinds.push(event.kind)
        if (kinds.length === 3) break
      }
    })()
    await waitFor(async () => (await subscribers()) === 1)
    await carol.changeHandle('caroline.test')
    await carol.deactivate()
    await carol.reactivate()
    await within(reading, 'three events')
    expect(kinds).toEqual(['identity', 'account', 'account'])
  })
})

describe('@skyware/jetstream', () => {
  it('follows with filters and a cursor, and changes its filter while connected', async () => {
    const [alice, bob] = network.accounts as [Network['accounts'][0], Network['accounts'][0]]
    using witness = await subscribe(jetstream.subscribeUrl())
    const before = await alice.post('before')
    await witness.count(1)
    const client = new SkywareJetstream({
      endpoint: jetstream.subscribeUrl(),
      wantedCollections: ['app.bsky.feed.post', 'app.bsky.feed.like'],
      wantedDids: [alice.did],
      cursor: witness.events[0]!.time_us,
      ws: WebSocket,
    })
    const seen: string[] = []
    client.onCreate('app.bsky.feed.post', event => seen.push(`post ${event.commit.record.text}`))
    client.onCreate('app.bsky.feed.like', event => seen.push(`like of ${event.commit.record.subject.uri}`))
    client.onDelete('app.bsky.feed.post', event => seen.push(`delete of ${event.commit.rkey}`))
    client.start()
    try {
      await waitFor(() => seen.length === 1)
      await alice.like({ uri: before.uri, cid: before.cid })
      await bob.post('not for us')
      await alice.deleteRecord(before.uri)
      await waitFor(() => seen.length === 3)
      expect(seen).toEqual([
        'post before',
        `like of ${before.uri}`,
        `delete of ${before.uri.split('/').at(-1)}`,
      ])

      client.updateOptions({ wantedDids: [bob.did], wantedCollections: ['app.bsky.feed.post'] })
      await waitFor(
        async () => {
          await bob.post('for us now')
          return seen.some(line => line === 'post for us now')
        },
        { everyMs: 200 },
      )
      expect(client.cursor).toBeGreaterThan(witness.events[0]!.time_us)
    } finally {
      client.close()
    }
  })
})

describe('@atproto/sync', () => {
  it('sees the same commits of the real PDS as our consumer', async () => {
    await using fetchGuarded = createGuardedFetch({ allowPrivateHosts: true })
    await using identity = createIdentityResolver({ plcUrl: network.plc.url, fetch: fetchGuarded })
    const stop = new AbortController()
    await using ours = await openFirehose({
      sources: parseSources([network.pds.url]),
      progress: createMemoryProgress(),
      verify: 'strict',
      identity,
      signal: stop.signal,
      threads: 1,
    })
    const oursSeen: string[] = []
    const running = (async () => {
      for await (const { events } of ours) {
        for (const event of events) {
          if (event.kind !== 'commit') continue
          for (const op of event.ops) {
            const record = op.record
              ? JSON.stringify(JSON.parse(Buffer.from(op.record).toString()) as unknown, sortKeys)
              : ''
            oursSeen.push(`${event.did} ${op.action} ${op.collection}/${op.rkey} ${op.cid} ${record}`)
          }
        }
      }
    })()
    const theirsSeen: string[] = []
    const theirs = new AtprotoFirehose({
      service: network.pds.url.replace('http', 'ws'),
      idResolver: new IdResolver({ plcUrl: network.plc.url, fetch: globalThis.fetch }),
      handleEvent: event => {
        if (event.event !== 'create' && event.event !== 'update' && event.event !== 'delete') return
        const record = event.event === 'delete' ? '' : JSON.stringify(event.record, sortKeys)
        const cid = event.event === 'delete' ? null : event.cid.toString()
        theirsSeen.push(`${event.did} ${event.event} ${event.collection}/${event.rkey} ${cid} ${record}`)
      },
      onError: error => {
        throw error
      },
    })
    void theirs.start()
    // Both are there when both have told of the same sign.
    const [alice, bob] = network.accounts as [Network['accounts'][0], Network['accounts'][0]]
    await waitFor(
      async () => {
        await alice.post('sign')
        return oursSeen.length > 0 && theirsSeen.length > 0
      },
      { everyMs: 200 },
    )

    const post = await alice.post('a post with ünïcödé 🌒 and "quotes" <&>')
    await bob.like(post)
    await bob.follow(alice.did)
    await bob.updateProfile({ displayName: 'Bob' })
    await bob.updateProfile({ displayName: 'Robert' })
    await alice.deleteRecord(post.uri)
    const last = (await bob.post('the end')).uri.split('/').at(-1)!
    const has = (lines: string[]): boolean => lines.some(line => line.includes(last))
    await waitFor(() => has(oursSeen) && has(theirsSeen))
    stop.abort()
    await theirs.destroy()
    await running
    // From the first that both have seen.
    const from = (lines: string[]): string[] =>
      lines.slice(lines.findIndex(line => line.includes(post.uri.split('/').at(-1)!)))
    expect(from(oursSeen)).toEqual(from(theirsSeen))
    expect(from(oursSeen).length).toBe(7)
  })
})

function subscribers(): Promise<number> {
  return metricValue(jetstream.metrics, 'jetstream_subscribers', { state: 'live' })
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
