import { setTimeout as sleep } from 'node:timers/promises'
import type { Firehose } from '@orrery/firehose'
import type { Logger } from '@orrery/server'
import { untilRoom } from '@orrery/storage'
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
  const {
    firehose,
    log,
    logger,
    signal,
    commitIntervalMs,
    fullDiskPauseMs,
    stats,
    keepsRecords,
    onAppended,
  } = options
  const changesOf = createChangeMaker(stats, keepsRecords)
  let committedAt = 0
  for await (const { events, progress } of firehose) {
    const changes = events.flatMap(changesOf)
    const isAppended = await untilRoom(async () => onAppended(await log.append(changes, progress)), {
      logger,
      signal,
      stopped: 'taking in events has stopped',
      remedy: 'or lower --retention',
      pauseMs: fullDiskPauseMs,
    })
    if (!isAppended) return
    const waitMs = committedAt + commitIntervalMs - performance.now()
    committedAt = Math.max(performance.now(), committedAt + commitIntervalMs)
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}
