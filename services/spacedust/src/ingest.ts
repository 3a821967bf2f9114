import { setTimeout as sleep } from 'node:timers/promises'
import type { Firehose } from '@orrery/firehose'
import type { Logger } from '@orrery/server'
import { retryWhenFull } from '@orrery/storage'
import { type ChangeStats, createChangeMaker } from './changes.ts'
import type { Appended, LinkLog } from './store.ts'

export interface IngestOptions {
  firehose: Firehose
  log: LinkLog
  stats: ChangeStats
  /** Whether records are kept with their links. */
  keepsRecords: boolean
  logger: Logger
  /** The least time from one commit to the next, milliseconds. */
  commitIntervalMs: number
  signal: AbortSignal
  /** Told of what has become visible in the log. */
  onAppended: (appended: Appended) => void
  /** How long to wait before a full disk is tried again, milliseconds. Default 5,000. */
  fullDiskPauseMs?: number | undefined
}

/**
 * Writes links of the firehose into the log, batch by batch with its progress, until the signal aborts. While a batch is
 * being committed the next one gathers. A full disk stops it until there is room; nothing is lost meanwhile, as the source
 * is not read either.
 */
export async function ingest(options: IngestOptions): Promise<void> {
  const { firehose, log, signal, commitIntervalMs, stats, keepsRecords, onAppended } = options
  const changesOf = createChangeMaker(stats, keepsRecords)
  let committedAt = 0
  for await (const { events, progress } of firehose) {
    const changes = events.flatMap(changesOf)
    if (!(await untilRoom(options, async () => onAppended(await log.append(changes, progress))))) return
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
        `the disk is full: taking in events has stopped, nothing is lost. Make room, or lower --retention; trying again every ${fullDiskPauseMs / 1000} s`,
      ),
    onRoom: () => logger.info('there is room on the disk again; going on'),
  })
}
