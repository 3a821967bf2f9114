import { setTimeout as sleep } from 'node:timers/promises'
import { type Batch, pause } from '@orrery/firehose'
import type { Logger } from '@orrery/server'
import { isDiskFull, untilRoom } from '@orrery/storage'
import { type ChangeStats, createChangeMaker } from './changes.ts'
import type { UfosWriter } from './store.ts'

export interface IngestOptions {
  firehose: AsyncIterable<Batch>
  writer: UfosWriter
  stats: ChangeStats
  maxSampleBytes: number
  logger: Logger
  /** The least time from one commit to the next, milliseconds, unless we are behind. */
  commitIntervalMs: number
  signal: AbortSignal
  now?: (() => number) | undefined
  /** How long to wait before a full disk is tried again, milliseconds. Default 5,000. */
  fullDiskPauseMs?: number | undefined
}

/**
 * Counts what happens on the network, batch by batch with its progress, until the signal aborts. While a batch is being
 * applied the next one gathers, and where we are behind it is made ready too. A full disk stops it until there is room;
 * nothing is lost meanwhile, as the source is not read either.
 */
export async function ingest(options: IngestOptions): Promise<void> {
  const failed = Promise.withResolvers<never>()
  await Promise.race([ingestAll(options, failed.reject), failed.promise])
}

async function ingestAll(options: IngestOptions, onFailure: (error: unknown) => void): Promise<void> {
  const {
    firehose,
    writer,
    stats,
    logger,
    signal,
    commitIntervalMs,
    fullDiskPauseMs,
    maxSampleBytes,
    now = Date.now,
  } = options
  const changes = createChangeMaker({ stats, maxSampleBytes, now })
  let batch = writer.batch()
  let other = writer.batch()
  let applying = Promise.resolve(true)
  let committedAt = 0
  for await (const { events, progress } of firehose) {
    for (const event of events) for (const change of changes(event)) batch.add(change)
    if (!(await applying)) return
    const full = batch
    applying = untilRoom(() => writer.apply(full, progress), {
      logger,
      signal,
      stopped: 'counting has stopped',
      pauseMs: fullDiskPauseMs,
    })
    // Nobody may be waiting for it when it fails.
    applying.catch(onFailure)
    batch = other
    other = full
    const isBehind = events.length >= manyEvents
    if (!isBehind && !(await applying)) return
    const waitMs = committedAt + commitIntervalMs - performance.now()
    committedAt = Math.max(performance.now(), committedAt + commitIntervalMs)
    if (waitMs >= 1 && !isBehind) await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
  await applying
}

/** So many events in a batch, half of what may gather, are a sign of being behind: the next one is taken at once. */
const manyEvents = 5_000

/** Between two steps of tidying up, so that ingest and readers get their turns, milliseconds. */
const stepPauseMs = 20
const idlePauseMs = 500

/** Does what can wait, beside everything else, until the signal aborts. With a full disk that waits too: ingest tells of it. */
export async function keepTidy({ writer, signal }: Pick<IngestOptions, 'writer' | 'signal'>): Promise<void> {
  while (!signal.aborted) {
    let isMore = false
    try {
      isMore = await writer.tidy()
    } catch (error) {
      if (!isDiskFull(error)) throw error
    }
    await pause(isMore ? stepPauseMs : idlePauseMs, signal)
  }
}
