import { setTimeout as sleep } from 'node:timers/promises'
import { type Batch, type CommitEvent, createMemoryProgress } from '@orrery/firehose'
import { createLoadOperations } from '@orrery/testnet'
import { AccountBook } from '../../../packages/firehose/src/accounts.ts'

const source = 'wss://relay.example'

/** Makes verified commits as they come off a firehose: one operation each, in the network's shares and sizes. */
export function makeCommits(count: number, seed = 1): CommitEvent[] {
  const next = createLoadOperations({ seed })
  return Array.from({ length: count }, (_, seq): CommitEvent => {
    const { did, rev, ...op } = next()
    const time = '2026-08-14T10:00:00.123Z'
    return { kind: 'commit', did, time, seq, source, timeUs: undefined, rev, verified: true, ops: [op] }
  })
}

/** Makes of events the batches of a firehose: with them what they change in the accounts and the cursor. */
export function createBatches(): (events: CommitEvent[]) => Batch {
  const book = new AccountBook(createMemoryProgress())
  const data = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
  return events => {
    const { time, seq } = events.at(-1)!
    for (const { did, rev } of events) book.set(did, { rev, data, active: true, status: undefined })
    return {
      events,
      progress: { cursors: [{ source, cursor: seq, time, seen: [] }], gaps: [], ...book.takeChanges() },
    }
  }
}

/** A firehose without a network: the same commits over and over, at a rate that can be changed. */
export interface Feed extends AsyncIterable<Batch> {
  /** Events given out so far. */
  readonly sent: number
  /** From now on so many events a second; 0 for none. It stops when `total` have been given out since the start. */
  setRate(perSecond: number, total?: number): void
  /** Told of each batch as it is given out. */
  onBatch: (events: readonly CommitEvent[]) => void
}

/** How often a feed looks at the clock, milliseconds: as events come off a socket, some at a time. */
const tickMs = 1

/** As much as the firehose's outbox holds. */
const maxBatch = 10_000

export function createFeed(commits: readonly CommitEvent[], signal: AbortSignal): Feed {
  const batchOf = createBatches()
  let rate = 0
  let rateSince = performance.now()
  let sentBefore = 0
  let limit = Number.POSITIVE_INFINITY
  const feed = {
    sent: 0,
    onBatch: (_events: readonly CommitEvent[]): void => {},
    setRate(perSecond: number, total = Number.POSITIVE_INFINITY): void {
      rate = perSecond
      limit = total
      rateSince = performance.now()
      sentBefore = feed.sent
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void> {
      while (!signal.aborted) {
        const reached = sentBefore + Math.floor(((performance.now() - rateSince) / 1000) * rate)
        const due = Math.min(reached, limit, feed.sent + maxBatch) - feed.sent
        if (due <= 0) {
          await sleep(tickMs, undefined, { signal }).catch(() => {})
          continue
        }
        const events = Array.from({ length: due }, (_, i) => commits[(feed.sent + i) % commits.length]!)
        feed.sent += due
        feed.onBatch(events)
        yield batchOf(events)
      }
    },
  }
  return feed
}
