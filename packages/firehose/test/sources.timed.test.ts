import { type FakeRelay, startFakeRelay } from '@orrery/testnet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryProgress, parseSource } from '../src/index.ts'
import { Author, type Draft, frameOf } from './support/author.ts'
import { mergeAtRandom } from './support/merging.ts'
import { Feed, nameOf, nameOfDraft, run, type RunOptions } from './support/run.ts'

let owned: AsyncDisposableStack
let relays: FakeRelay[]
let feeds: Feed[]
let authors: Author[]
let numbers = 400

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  relays = [owned.use(await startFakeRelay()), owned.use(await startFakeRelay({ cursorStyle: '>=' }))]
  // Their numbers have nothing to do with each other.
  feeds = [new Feed(relays[0]!, 1_000), new Feed(relays[1]!, 70)]
  authors = [new Author(++numbers), new Author(++numbers), new Author(++numbers)]
})
afterEach(() => owned.disposeAsync())

async function follow(options: Partial<RunOptions> = {}) {
  const sources = relays.map(({ url }) => url)
  return owned.use(await run({ sources, verify: 'off', backoff: { firstMs: 10, maxMs: 20 }, ...options }))
}

const key = (relay: FakeRelay): string => parseSource(relay.url).key

describe('fail-over', () => {
  it('goes to the next source, and back, each from where it was with that source', async () => {
    const follower = await follow()
    const [alice] = authors as [Author]
    const drafts = Array.from({ length: 6 }, (_, i) => alice.post(`${i}`))
    await relays[0]!.nextConnection()
    feeds[0]!.push(drafts[0]!, drafts[1]!)
    await follower.until('two events', () => follower.events.length === 2)

    // The first is gone. The second is new, so what it sent before it was asked is a gap.
    feeds[1]!.push(drafts[0]!, drafts[1]!, drafts[2]!)
    relays[0]!.refuse({ status: 503 })
    relays[0]!.cut()
    expect((await relays[1]!.nextConnection()).cursor).toBeUndefined()
    feeds[1]!.push(drafts[3]!)
    await follower.until('the event of the second', () => follower.events.length === 3)
    expect(follower.gaps).toEqual([
      {
        source: key(relays[1]!),
        from: drafts[1]!.body.time,
        to: drafts[3]!.body.time,
        reason: 'new_source',
      },
    ])
    expect(follower.firehose.stats.chainBreaks).toBe(1)

    // The second is gone; the first is back, and has all that the second gave, which is no news.
    relays[0]!.accept()
    feeds[0]!.push(drafts[2]!, drafts[3]!, drafts[4]!)
    relays[1]!.refuse({ status: 503 })
    relays[1]!.cut()
    expect((await relays[0]!.nextConnection()).cursor).toBe(1_001)
    await follower.until('the next event', () => follower.events.length === 4)
    expect(follower.dropped()).toEqual({ replay: 2 })

    // And again: this time the second has a position.
    relays[1]!.accept()
    relays[0]!.refuse({ status: 503 })
    relays[0]!.cut()
    feeds[1]!.push(drafts[4]!, drafts[5]!)
    expect((await relays[1]!.nextConnection()).cursor).toBe(73)
    await follower.until('the last event', () => follower.events.length === 5)
    expect(follower.events.map(nameOf)).toEqual([0, 1, 3, 4, 5].map(i => nameOfDraft(drafts[i]!)))
    expect(follower.gaps).toHaveLength(1)
    expect(follower.firehose.stats.chainBreaks).toBe(1)
    await follower.until('both positions', () =>
      relays.every((relay, i) => follower.progress.cursor(key(relay))?.cursor === [1_004, 75][i]),
    )
  })

  it('makes that gap also when it happens over a restart', async () => {
    const progress = createMemoryProgress()
    const first = await follow({ progress })
    await relays[0]!.nextConnection()
    feeds[0]!.push(authors[0]!.post('1'))
    await first.until('an event', () => first.events.length === 1)
    await first.stop()
    // Started again, with the first one gone.
    relays[0]!.refuse({ status: 503 })
    const second = await follow({ progress })
    await relays[1]!.nextConnection()
    feeds[1]!.push(authors[0]!.post('2'))
    await second.until('an event', () => second.events.length === 1)
    expect(second.gaps).toMatchObject([{ reason: 'new_source', source: key(relays[1]!) }])
  })

  it('is at once from a source that asks for patience', async () => {
    relays[0]!.refuse({ status: 429, retryAfterSeconds: 600 })
    await follow()
    await relays[1]!.nextConnection(2_000)
    expect(relays[0]!.stats().refused).toBe(1)
  })
})

describe('merge', () => {
  it.each([1, 2])(
    'of two relays that differ in order, holes and outages is the whole (seed %i)',
    async seed => {
      await expect(mergeAtRandom(seed)).resolves.toBeUndefined()
    },
  )

  it('fills a hole from the other source within the time that it waits, and goes on without it after', async () => {
    const merged = await follow({ merge: true, holdMs: 1_000 })
    await Promise.all(relays.map(relay => relay.nextConnection()))
    const [alice] = authors as [Author]
    const [one, two, three, four, five] = Array.from({ length: 5 }, (_, i) => alice.post(`${i}`)) as [
      Draft,
      Draft,
      Draft,
      Draft,
      Draft,
    ]
    feeds[0]!.push(one, three)
    await merged.until('the first', () => merged.events.length === 1)
    const startedAt = performance.now()
    feeds[1]!.push(one, two, three)
    await merged.until('the hole to be filled', () => merged.events.length === 3)
    expect(performance.now() - startedAt).toBeLessThan(900)
    expect(merged.firehose.stats.chainBreaks).toBe(0)

    feeds[0]!.push(five)
    const heldAt = performance.now()
    await merged.until('the end of the wait', () => merged.events.length === 4)
    expect(performance.now() - heldAt).toBeGreaterThan(990)
    feeds[1]!.push(four, five)
    await merged.until('both copies', () => merged.firehose.stats.dropped.replay === 4)
    expect(merged.events.map(nameOf)).toEqual([one, two, three, five].map(nameOfDraft))
    expect(merged.firehose.stats.chainBreaks).toBe(1)
  })

  it('takes a frame from the other source when one damages it', async () => {
    const merged = await follow({ merge: true, verify: 'off' })
    await Promise.all(relays.map(relay => relay.nextConnection()))
    const post = authors[0]!.post('1')
    // Even without verification a CAR must hold together.
    relays[0]!.push(frameOf({ ...post, body: { ...post.body, blocks: new Uint8Array(10) } }, 1), 1)
    feeds[1]!.push(post)
    await merged.until('the event', () => merged.events.length === 1)
    expect(merged.events).toMatchObject([{ source: key(relays[1]!) }])
  })

  it('goes on with one relay as if the other had never been', async () => {
    const merged = await follow({ merge: true })
    await Promise.all(relays.map(relay => relay.nextConnection()))
    relays[0]!.refuse({ status: 503 })
    relays[0]!.cut()
    const drafts = Array.from({ length: 20 }, (_, i) => authors[i % 3]!.post(`${i}`))
    feeds[1]!.push(...drafts)
    await merged.until('all', () => merged.events.length === 20)
    expect(merged.firehose.status()).toMatchObject({
      state: 'live',
      sources: [{ connected: false }, { connected: true }],
    })
  })

  it('lets a new source begin when another has caught up', async () => {
    const progress = createMemoryProgress()
    const old = authors.map(author => author.post('before'))
    const alone = await follow({ progress, sources: [relays[0]!.url] })
    await relays[0]!.nextConnection()
    feeds[0]!.push(...old)
    await alone.until('these', () => alone.events.length === 3)
    await alone.stop()

    // Meanwhile something happened that only the old one has, and it cannot be reached yet.
    const missed = authors.map(author => author.post('missed'))
    feeds[0]!.push(...missed)
    relays[0]!.refuse({ status: 503 })
    const merged = await follow({ progress, merge: true })
    await merged.until('a refusal', () => relays[0]!.stats().refused > 2)
    expect(relays[1]!.stats().connections).toBe(0)
    relays[0]!.accept()
    await merged.until('what was missed', () => merged.events.length === 3)
    // It has caught up when what it sends is fresh.
    const now = authors[0]!.account(true)
    feeds[0]!.push({ ...now, body: { ...now.body, time: new Date().toISOString() } })
    await relays[1]!.nextConnection()
    expect(merged.firehose.stats).toMatchObject({ chainBreaks: 0, gaps: 0 })
  })
})
