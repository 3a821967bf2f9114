import { setTimeout as sleep } from 'node:timers/promises'
import type { Firehose } from '@orrery/firehose'
import type { Logger } from '@orrery/server'
import { retryWhenFull } from '@orrery/storage'
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
  const { firehose, signal, commitIntervalMs, wants, stats, now = Date.now } = options
  const changes: ChangeMaker = createChangeMaker({ wants, stats })
  let committedAt = 0
  for await (const { events, progress } of firehose) {
    const batch = events.flatMap(event => changes(event))
    if (!(await untilRoom(options, () => options.writer.apply(batch, progress, now())))) return
    if (batch.some(isDeletion)) options.onDeleted()
    const waitMs = committedAt + commitIntervalMs - performance.now()
    committedAt = Math.max(performance.now(), committedAt + commitIntervalMs)
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}

/** Writes, and again while the disk is full. False where the signal ended the trying. */
export function untilRoom(
  { logger, signal, fullDiskPauseMs = 5_000 }: Pick<IngestOptions, 'logger' | 'signal' | 'fullDiskPauseMs'>,
  write: () => Promise<void>,
): Promise<boolean> {
  return retryWhenFull(write, {
    signal,
    pauseMs: fullDiskPauseMs,
    onFull: err =>
      logger.error(
        { err },
        `the disk is full: indexing has stopped, nothing is lost. Make room; trying again every ${fullDiskPauseMs / 1000} s`,
      ),
    onRoom: () => logger.info('there is room on the disk again; going on'),
  })
}

function isDeletion(change: Change): boolean {
  return change.kind === 'delete_account'
}
