import { createRandom, startFakeRelay } from '@orrery/testnet'
import { expect } from 'vitest'
import { parseSource } from '../../src/index.ts'
import { Author, type Draft } from './author.ts'
import { Feed, nameOf, nameOfDraft, run } from './run.ts'

/**
 * Two relays with the same events under numbers of their own, in another order, one with holes, both cut at random:
 * together they are the whole, without doubles, each account's commits in their order.
 */
export async function mergeAtRandom(seed: number): Promise<void> {
  const random = createRandom(seed)
  const authors = [0, 1, 2].map(i => new Author(3_000 + i))
  await using first = await startFakeRelay()
  await using second = await startFakeRelay({ cursorStyle: '>=' })
  const feeds = [new Feed(first, 1_000), new Feed(second, 70)]
  await using merged = await run({
    sources: [first.url, second.url],
    verify: 'off',
    merge: true,
    holdMs: 10_000,
    backoff: { firstMs: 10, maxMs: 20 },
  })
  await Promise.all(feeds.map(({ relay }) => relay.nextConnection()))

  // The first commit that is seen of an account follows on anything, so both bring it.
  const drafts: Draft[] = authors.map(author => author.post('first'))
  const holes = new Set<Draft>()
  for (let i = 0; i < 120; i++) {
    const author = authors[random.below(3)]!
    const what = random.below(12)
    const draft = what === 0 ? author.identity() : what === 1 ? author.account(true) : author.post(`${i}`)
    if (random.below(8) === 0) holes.add(draft)
    drafts.push(draft)
  }
  const queues = [
    drafts.filter(draft => !holes.has(draft)),
    authors.flatMap(({ did }) => drafts.filter(draft => draft.did === did)),
  ]
  for (const queue of queues) queue.reverse()
  // Cut before its first event, a relay would go on at the live end: it has not been anywhere yet.
  for (const [i, feed] of feeds.entries()) feed.push(queues[i]!.pop()!)
  await merged.until('a position with both', () =>
    merged.firehose.status().sources.every(({ cursor }) => cursor),
  )
  while (queues.some(queue => queue.length > 0)) {
    const which = random.below(3) === 0 ? 1 : 0
    const draft = queues[which]!.pop()
    if (draft) feeds[which]!.push(draft)
    if (random.below(25) === 0) feeds[random.below(2)]!.relay.cut()
    if (random.below(3) === 0) await new Promise(setImmediate)
  }

  const wanted = drafts.map(nameOfDraft)
  await merged.until(`all; seed=${seed}`, () => merged.events.length >= drafts.length, 20_000)
  await merged.until('the end of both', () =>
    feeds.every(({ relay, seq }) => merged.progress.cursor(parseSource(relay.url).key)?.cursor === seq),
  )
  const given = merged.events.map(nameOf)
  expect(given.toSorted()).toEqual(wanted.toSorted())
  for (const { did } of authors) {
    const commitsOf = (names: readonly string[]): string[] =>
      names.filter(name => name.startsWith(`commit ${did}`))
    expect(commitsOf(given)).toEqual(commitsOf(wanted))
  }
  expect(merged.firehose.stats).toMatchObject({ chainBreaks: 0, gaps: 0 })
  // It was not for nothing.
  expect(merged.firehose.stats.connects).toBeGreaterThan(2)
  expect(new Set(merged.events.map(({ source }) => source)).size).toBe(2)
}
