import { setTimeout as sleep } from 'node:timers/promises'
import type { Firehose } from '@orrery/firehose'
import type { Logger } from '@orrery/server'
import { untilRoom } from '@orrery/storage'
import { type ChangeMaker, type ChangeStats, createChangeMaker } from './changes.ts'
import type { WantsCollection } from './collections.ts'
import type { Change, LinkWriter } from './store.ts'

export interface IngestOptions {
  firehose: Firehose
  writer: LinkWriter
  wants: WantsCollection
  stats: ChangeStats
  logger: Logger
  /** The least time from one commit to the next, milliseconds. */
  commitIntervalMs: number
  signal: AbortSignal
  /** Told of accounts that were deleted, whose links are to be tidied up. */
  onDeleted: () => void
  now?: (() => number) | undefined
  /** How long to wait before a full disk is tried again, milliseconds. Default 5,000. */
  fullDiskPauseMs?: number | undefined
}

/**
 * Brings what happens on the network into the index, batch by batch with its progress, until the signal aborts. While a
 * batch is being applied the next one gathers. A full disk stops it until there is room; nothing is lost meanwhile, as the
 * source is not read either.
 */
export async function ingest(options: IngestOptions): Promise<void> {
  const {
    firehose,
    writer,
    signal,
    logger,
    commitIntervalMs,
    fullDiskPauseMs,
    wants,
    stats,
    now = Date.now,
  } = options
  const changes: ChangeMaker = createChangeMaker({ wants, stats })
  let committedAt = 0
  for await (const { events, progress } of firehose) {
    const batch = events.flatMap(event => changes(event))
    const isApplied = await untilRoom(() => writer.apply(batch, progress, now()), {
      logger,
      signal,
      stopped: 'indexing has stopped',
      pauseMs: fullDiskPauseMs,
    })
    if (!isApplied) return
    if (batch.some(isDeletion)) options.onDeleted()
    const waitMs = committedAt + commitIntervalMs - performance.now()
    committedAt = Math.max(performance.now(), committedAt + commitIntervalMs)
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}

function isDeletion(change: Change): boolean {
  return change.kind === 'delete_account'
}
