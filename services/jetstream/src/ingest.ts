import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '@orrery/firehose'
import type { Logger } from '@orrery/server'
import { untilRoom } from '@orrery/storage'
import { EventClock, EventEncoder } from './encode.ts'
import type { EventLog } from './store.ts'

export interface IngestOptions {
  firehose: AsyncIterable<Batch>
  log: EventLog
  logger: Logger
  /** Called when events have become visible in the log. */
  onCommitted: (events: number) => void
  /** The least time from one commit to the next, milliseconds. */
  commitIntervalMs: number
  signal: AbortSignal
  now?: (() => number) | undefined
  /** How long to wait before a full disk is tried again, milliseconds. Default 5,000. */
  fullDiskPauseMs?: number | undefined
}

/**
 * Writes the firehose into the log, batch by batch, until the signal aborts. While a batch is being committed the next
 * one gathers, so commits grow with the load. A full disk stops it until there is room; nothing is lost meanwhile, as
 * upstream is not read either.
 */
export async function ingest(options: IngestOptions): Promise<void> {
  const { firehose, log, logger, signal, commitIntervalMs, fullDiskPauseMs, now = Date.now } = options
  const encoder = new EventEncoder(new EventClock(log.last, now))
  let committedAt = 0
  for await (const { events, progress } of firehose) {
    const encoded = encoder.encode(events)
    const isAppended = await untilRoom(() => log.append(encoded, progress), {
      logger,
      signal,
      stopped: 'taking in events has stopped',
      remedy: 'or lower --retention',
      pauseMs: fullDiskPauseMs,
    })
    if (!isAppended) return
    options.onCommitted(encoded.ends.length)
    const waitMs = committedAt + commitIntervalMs - performance.now()
    committedAt = Math.max(performance.now(), committedAt + commitIntervalMs)
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}
