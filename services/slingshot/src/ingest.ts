import { setTimeout as sleep } from 'node:timers/promises'
import type { Firehose } from '@orrery/firehose'
import type { Directory } from '@orrery/identity'
import type { Logger } from '@orrery/server'
import { untilRoom } from '@orrery/storage'
import type { RecordCache } from './cache/cache.ts'
import type { Trust } from './cache/trust.ts'
import { type ChangeOptions, changesOf } from './changes.ts'
import type { Change } from './store.ts'

export interface IngestOptions extends ChangeOptions {
  firehose: Firehose
  cache: Pick<RecordCache, 'apply'>
  directory: Pick<Directory, 'changed'>
  trust: Trust
  logger: Logger
  /** The least time from one commit to the next, milliseconds. */
  commitIntervalMs: number
  signal: AbortSignal
  /** Told of accounts that were deleted, whose records are to be tidied up. */
  onDeleted: () => void
  /** How long to wait before a full disk is tried again, milliseconds. Default 5,000. */
  fullDiskPauseMs?: number | undefined
}

/**
 * Brings what happens on the network into the cache, batch by batch with its progress, until the signal aborts. A full
 * disk stops it until there is room; nothing is lost meanwhile, as the source is not read either.
 */
export async function ingest(options: IngestOptions): Promise<void> {
  const { firehose, cache, directory, trust, logger, signal, commitIntervalMs, fullDiskPauseMs } = options
  let committedAt = 0
  for await (const batch of firehose) {
    const changes = changesOf(batch, options)
    for (const event of batch.events) {
      if (event.kind === 'identity') directory.changed(event.did, event.handle)
      else if (event.kind === 'account') directory.changed(event.did)
    }
    const isApplied = await untilRoom(() => cache.apply(changes, batch.progress), {
      logger,
      signal,
      stopped: 'nothing new is kept',
      pauseMs: fullDiskPauseMs,
    })
    if (!isApplied) return
    trust.look(batch.events.length > 0)
    if (changes.some(isDeletion)) options.onDeleted()
    const waitMs = committedAt + commitIntervalMs - performance.now()
    committedAt = Math.max(performance.now(), committedAt + commitIntervalMs)
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}

function isDeletion(change: Change): boolean {
  return change.kind === 'delete_account'
}
