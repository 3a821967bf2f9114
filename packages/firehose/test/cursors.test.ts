import { type FakeRelay, type FakeRelayOptions, startFakeRelay } from '@orrery/testnet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryProgress, type MemoryProgress, parseSource } from '../src/index.ts'
import { Author, type Draft, frameOf } from './support/author.ts'
import { endsOf, Feed, nameOf, nameOfDraft, run, type Run } from './support/run.ts'

let owned: AsyncDisposableStack
let alice: Author
let bob: Author
let numbers = 200

beforeEach(() => {
  owned = new AsyncDisposableStack()
  alice = new Author(++numbers)
  bob = new Author(++numbers)
})
afterEach(() => owned.disposeAsync())

async function relayOf(options?: FakeRelayOptions): Promise<{ relay: FakeRelay; feed: Feed }> {
  const relay = owned.use(await startFakeRelay(options))
  return { relay, feed: new Feed(relay) }
}

async function follow(relay: FakeRelay, progress: MemoryProgress): Promise<Run> {
  const follower = owned.use(await run({ sources: [relay.url], verify: 'off', progress }))
  return follower
}

/** The progress of a consumer that has had these drafts and stopped. */
async function had(relay: FakeRelay, drafts: readonly Draft[], firstSeq = 1): Promise<MemoryProgress> {
  const progress = createMemoryProgress()
  const follower = await follow(relay, progress)
  await relay.nextConnection()
  new Feed(relay, firstSeq).push(...drafts)
  await follower.until('the first events', () => follower.events.length === drafts.length)
  await follower.stop()
  return progress
}

const names = (drafts: readonly Draft[]): string[] => drafts.map(nameOfDraft)
const gapOf = (relay: FakeRelay, from: Draft, to: Draft, reason: string) => ({
  source: parseSource(relay.url).key,
  from: from.body.time,
  to: to.body.time,
  reason,
})

describe('a cursor', () => {
  it.each([
    { cursorStyle: '>', repeated: {} },
    { cursorStyle: '>=', repeated: { replay: 1 } },
  ] as const)(
    'is followed on by a relay that reads it as "$cursorStyle"',
    async ({ cursorStyle, repeated }) => {
      const { relay } = await relayOf({ cursorStyle })
      const first = [alice.post('1'), bob.account(true), alice.post('2')]
      const progress = await had(relay, first)
      const feed = new Feed(relay, 4)
      const meanwhile = [alice.post('3'), bob.identity()]
      feed.push(...meanwhile)
      const follower = await follow(relay, progress)
      expect((await relay.nextConnection()).cursor).toBe(3)
      const live = bob.post('4')
      feed.push(live)
      await follower.until('the rest', () => follower.events.length === 3)
      // Of different accounts, so in no order.
      expect(follower.events.map(nameOf).toSorted()).toEqual(names([...meanwhile, live]).toSorted())
      expect(follower.dropped()).toEqual(repeated)
      expect(follower.firehose.stats).toMatchObject({ gaps: 0, seqRegressions: 0 })
      expect(progress.cursor(parseSource(relay.url).key)).toMatchObject({ cursor: 6, time: live.body.time })
    },
  )

  it('is not given before the first event', async () => {
    const { relay, feed } = await relayOf()
    feed.push(alice.post('before'))
    const follower = await follow(relay, createMemoryProgress())
    expect((await relay.nextConnection()).cursor).toBeUndefined()
    relay.cut()
    expect((await relay.nextConnection()).cursor).toBeUndefined()
    feed.push(alice.post('live'))
    await follower.until('it', () => follower.events.length === 1)
  })

  it('moves on by what is dropped, not by what is unreadable', async () => {
    const { relay } = await relayOf()
    const progress = createMemoryProgress()
    const follower = await follow(relay, progress)
    await relay.nextConnection()
    const post = alice.post('1')
    relay.push(frameOf(post, 1))
    relay.push(frameOf(post, 2))
    relay.push(Uint8Array.of(1, 2, 3), 3)
    await follower.until('the end of all', () => endsOf(follower.firehose.stats) === 3)
    await follower.until('the cursor', () => progress.cursor(parseSource(relay.url).key)?.cursor === 2)
    expect(follower.firehose.status().sources[0]!.cursor).toBe(2)
  })
})

describe('OutdatedCursor', () => {
  it('makes a gap, from the last event before to the first behind', async () => {
    const { relay } = await relayOf()
    const before = [alice.post('1'), alice.post('2')]
    const progress = await had(relay, before)
    const feed = new Feed(relay, 3)
    const drafts = [alice.post('lost'), alice.post('lost'), alice.post('kept')]
    feed.push(...drafts)
    relay.forgetBefore(5)
    const follower = await follow(relay, progress)
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.events.map(nameOf)).toEqual(names([drafts[2]!]))
    expect(follower.firehose.stats).toMatchObject({ gaps: 1, chainBreaks: 1 })
    // In one batch with the first event behind it, so that a crash neither loses nor doubles it.
    expect(follower.batches.map(({ events, progress: { gaps } }) => [events.length, gaps])).toEqual([
      [1, [gapOf(relay, before[1]!, drafts[2]!, 'outdated_cursor')]],
    ])
    expect(follower.notices.join()).toContain('missing from')
  })

  it('makes its gap when the first event comes, over however many connections that takes', async () => {
    const { relay } = await relayOf()
    const before = [alice.post('1')]
    const progress = await had(relay, before)
    new Feed(relay, 2).push(alice.post('lost'), alice.post('lost'))
    relay.forgetBefore(4)
    const follower = await follow(relay, progress)
    for (let i = 0; i < 3; i++) {
      await relay.nextConnection()
      relay.cut()
    }
    const live = alice.post('4')
    new Feed(relay, 4).push(live)
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.gaps).toEqual([gapOf(relay, before[0]!, live, 'outdated_cursor')])
  })

  it('is believed, whatever time the first event behind claims', async () => {
    const { relay } = await relayOf()
    const before = [alice.post('1')]
    const progress = await had(relay, before)
    new Feed(relay, 2).push(alice.post('lost'), bob.post('kept', { lie: { time: '1970-01-01T00:00:00Z' } }))
    relay.forgetBefore(3)
    const follower = await follow(relay, progress)
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.gaps).toMatchObject([{ from: before[0]!.body.time, reason: 'outdated_cursor' }])
    expect(Date.parse(follower.gaps[0]!.to)).toBeGreaterThan(Date.now() - 60_000)
  })

  it('that is not said cannot be noticed, but for the chains that break', async () => {
    const { relay } = await relayOf({ outdatedCursor: 'silent' })
    const progress = await had(relay, [alice.post('1')])
    new Feed(relay, 2).push(alice.post('lost'), alice.post('kept'))
    relay.forgetBefore(3)
    const follower = await follow(relay, progress)
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.firehose.stats).toMatchObject({ gaps: 0, chainBreaks: 1 })
  })
})

describe('a relay that was reset', () => {
  /** The consumer had three events, up to number 1,000; another relay took over the address, with numbers of its own. */
  async function reset(options: FakeRelayOptions) {
    const old = await startFakeRelay()
    const before = [alice.post('1'), bob.account(true), alice.post('2')]
    const progress = await had(old, before, 998)
    await old[Symbol.asyncDispose]()
    const { relay, feed } = await relayOf({ ...options, port: old.port })
    return { relay, feed, before, progress, key: parseSource(relay.url).key }
  }

  it('and says FutureCursor is asked for all it has; what is known of that is dropped', async () => {
    const { relay, feed, before, progress, key } = await reset({})
    const fresh = [alice.post('3'), bob.post('4')]
    feed.push(...before, ...fresh)
    const follower = await follow(relay, progress)
    await follower.until('the new ones', () => follower.events.length === 2)
    expect(relay.stats().cursors).toEqual([1_000, 0])
    expect(follower.events.map(nameOf).toSorted()).toEqual(names(fresh).toSorted())
    expect(follower.dropped()).toEqual({ replay: 3 })
    // Its window reaches back behind what we had: nothing is missing.
    expect(follower.gaps).toEqual([])
    await follower.until('the new position', () => progress.cursor(key)?.cursor === 5)
  })

  it('makes a gap where its window does not reach back', async () => {
    const { relay, feed, before, progress } = await reset({})
    alice.post('never sent')
    const fresh = [alice.post('3'), bob.post('4')]
    feed.push(...fresh)
    const follower = await follow(relay, progress)
    await follower.until('the new ones', () => follower.events.length === 2)
    expect(follower.gaps).toEqual([gapOf(relay, before[2]!, fresh[0]!, 'future_cursor')])
  })

  it('and says nothing is found out by its first number, before anything of it is given out', async () => {
    const { relay, feed, before, progress } = await reset({ futureCursor: 'live' })
    // These come while nobody knows; all are of one account, so the last given out alone would shut out the others.
    const missed = [alice.post('3'), alice.post('4')]
    feed.push(...before, ...missed)
    const follower = await follow(relay, progress)
    await relay.nextConnection()
    const live = alice.post('5')
    feed.push(live)
    await follower.until('all', () => follower.events.length === 3)
    expect(follower.events.map(nameOf)).toEqual(names([...missed, live]))
    expect(relay.stats().cursors).toEqual([1_000, 0])
    expect(follower.firehose.stats).toMatchObject({ chainBreaks: 0, gaps: 0 })
  })

  it('keeps its old position saved until the new one is worth something', async () => {
    const { relay, progress, key } = await reset({})
    const follower = await follow(relay, progress)
    await relay.nextConnection()
    expect((await relay.nextConnection()).cursor).toBe(0)
    await follower.stop()
    expect(progress.cursor(key)).toMatchObject({ cursor: 1_000 })
  })
})

describe('errors and odd messages', () => {
  it('ConsumerTooSlow and others end the connection, and the next goes on from the cursor', async () => {
    const { relay, feed } = await relayOf()
    const follower = await follow(relay, createMemoryProgress())
    await relay.nextConnection()
    const drafts: Draft[] = []
    for (const error of ['ConsumerTooSlow', 'SomethingNew']) {
      const draft = alice.post(error)
      drafts.push(draft)
      feed.push(draft)
      await follower.until('the event', () => follower.events.length === drafts.length)
      relay.fail(error, 'some words')
      expect((await relay.nextConnection()).cursor).toBe(drafts.length)
    }
    expect(follower.notices.join()).toMatch(/it said ConsumerTooSlow; some words.*it said SomethingNew/)
    expect(follower.events.map(nameOf)).toEqual(names(drafts))
    await follower.until('the third connection', () => follower.firehose.stats.connects === 3)
    expect(follower.firehose.stats).toMatchObject({ disconnects: 2 })
  })

  it('unknown messages, texts and garbage are counted, and the connection lives', async () => {
    const { relay, feed } = await relayOf()
    const follower = await follow(relay, createMemoryProgress())
    await relay.nextConnection()
    relay.send('some text')
    relay.send(Uint8Array.of(0xff))
    relay.send({ header: { op: 1, t: '#handle' }, body: { seq: 1, did: alice.did } })
    relay.send({ header: { op: 7 }, body: {} })
    relay.info('SomeInfo', 'that nobody knows')
    feed.push(alice.post('1'))
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.dropped()).toEqual({ frame_bad: 2 })
    expect(follower.firehose.stats).toMatchObject({
      unknownMessages: 2,
      connects: 1,
      disconnects: 0,
      frames: 6,
    })
  })

  it('numbers that go back are counted, and nothing is lost', async () => {
    const { relay } = await relayOf()
    const follower = await follow(relay, createMemoryProgress())
    await relay.nextConnection()
    const drafts = [alice.post('1'), alice.post('2'), bob.post('3'), bob.post('4')]
    for (const [i, seq] of [10, 5, 5, 11].entries()) relay.push(frameOf(drafts[i]!, seq), seq)
    await follower.until('all', () => follower.events.length === 4)
    expect(follower.firehose.stats).toMatchObject({ seqRegressions: 2, connects: 1 })
    expect(follower.progress.cursor(parseSource(relay.url).key)?.cursor).toBe(11)
  })

  it('a frame over 5 MB is dropped and counted, and the connection lives', async () => {
    const { relay, feed } = await relayOf()
    const follower = await follow(relay, createMemoryProgress())
    await relay.nextConnection()
    relay.push(new Uint8Array(5_000_001), 1)
    relay.push(new Uint8Array(31 * 1024 * 1024), 2)
    feed.seq = 2
    feed.push(alice.post('1'))
    await follower.until('the event', () => follower.events.length === 1)
    expect(follower.dropped()).toEqual({ frame_too_big: 2 })
    expect(follower.firehose.stats).toMatchObject({ connects: 1, disconnects: 0 })
  })

  it('a message over 32 MiB ends the connection', async () => {
    const { relay } = await relayOf()
    const follower = await follow(relay, createMemoryProgress())
    await relay.nextConnection()
    relay.send(new Uint8Array(33 * 1024 * 1024))
    await relay.nextConnection()
    expect(follower.notices.join()).toContain('exceeds what is read at all')
  })
})
