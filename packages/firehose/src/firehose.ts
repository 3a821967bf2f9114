import { availableParallelism } from 'node:os'
import { AccountBook } from './accounts.ts'
import { ConnectionError } from './errors.ts'
import type { Batch, Gap } from './events.ts'
import type { Follow } from './follow.ts'
import { followJetstream } from './jetstream/jetstream.ts'
import { RecentNames } from './jetstream/recent.ts'
import { waitForOthers } from './merge.ts'
import type { FirehoseNotice, FirehoseOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { createKeySource } from './relay/keys.ts'
import { Pipeline } from './relay/pipeline.ts'
import { followRelay } from './relay/relay.ts'
import { SourceState } from './source-state.ts'
import { type FirehoseStats, zeroStats } from './stats.ts'
import { type FirehoseStatus, statusOf } from './status.ts'
import { followInTurn, type Outcome } from './turns.ts'
import { openVerifyPool } from './verify/pool.ts'

/**
 * What happens on the network, in batches. One consumer; the loop's pace is the sources' pace. Asking for the next batch
 * says that the last one's progress is saved. Leaving the loop closes everything.
 */
export interface Firehose extends AsyncIterable<Batch>, AsyncDisposable {
  readonly stats: FirehoseStats
  status(): FirehoseStatus
}

/** Events that wait for the consumer, at the most. */
const outboxEvents = 10_000
const outboxBytes = 32 * 1024 * 1024

/** A connection that lived this long was a good one: after it the count of tries starts anew. */
const goodConnectionMs = 10_000

/**
 * Opens a firehose; connecting begins with the first step of the iteration.
 *
 * @throws TypeError where the options contradict each other
 */
export async function openFirehose(options: FirehoseOptions): Promise<Firehose> {
  checkOptions(options)
  const { sources, progress, merge = false, verify = 'timely' } = options
  const closing = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal
  const stats = zeroStats()
  const outbox = new Outbox({ maxEvents: outboxEvents, maxBytes: outboxBytes })
  let failure: { error: unknown } | undefined

  const notice = (level: FirehoseNotice['level'], source: string, message: string): void => {
    options.onNotice?.({ level, source, message })
  }
  /** What is broken on our side ends the iteration with it. */
  const fail = (error: unknown): void => {
    failure ??= { error }
    outbox.touch()
  }
  const onGap = (gap: Gap): void => {
    stats.gaps++
    notice('warn', gap.source, `missing from ${gap.from || 'the beginning'} to ${gap.to} (${gap.reason})`)
  }
  const { suspicion } = options
  const states = sources.map(
    source => new SourceState(source, progress.cursor(source.key), { onGap, suspicion }),
  )
  const book = new AccountBook(progress)
  await using cleanUp = new AsyncDisposableStack()
  const followSource = await chooseFollow()
  const owned = cleanUp.move()

  async function chooseFollow(): Promise<(follow: Follow) => Promise<void>> {
    if (sources[0]!.kind === 'jetstream') {
      const recent = new RecentNames()
      return follow => followJetstream(follow, recent, options.onDrop)
    }
    const threads = options.threads ?? Math.max(1, availableParallelism() - 1)
    const checks = verify === 'off' ? 'none' : 'full'
    const pool = cleanUp.use(await openVerifyPool({ checks, threads, onFailure: fail }))
    const { identity, holdMs, onDrop } = options
    const pipeline = new Pipeline({
      mode: verify,
      keys:
        identity && verify !== 'off'
          ? createKeySource({ ...options, identity, mode: verify, signal })
          : undefined,
      purgeIdentity: did => identity?.purge(did),
      pool,
      book,
      outbox,
      stats,
      signal,
      merging: merge && sources.length > 1,
      holdMs,
      onDrop,
      onFailure: fail,
    })
    return follow => followRelay(follow, pipeline)
  }

  /** Follows one source over one connection. */
  async function followOnce(state: SourceState): Promise<Outcome> {
    const where = state.cursor === undefined ? '' : ` at cursor ${state.cursor}`
    notice('info', state.source.name, `connecting${where}`)
    const startedAt = Date.now()
    try {
      const { userAgent = 'orrery', pingMs, connectTimeoutMs } = options
      await followSource({ state, outbox, stats, signal, userAgent, pingMs, connectTimeoutMs })
      return { good: true, error: undefined }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      state.lastError = error.message
      const livedMs = state.connectedAt >= startedAt ? Date.now() - state.connectedAt : 0
      return { good: livedMs > goodConnectionMs, error }
    }
  }

  function start(): Promise<void>[] {
    const turns = { follow: followOnce, notice, signal, backoff: options.backoff }
    if (!merge) return [followInTurn(states, turns)]
    return states.map(async state => {
      await waitForOthers(state, states, { signal })
      await followInTurn([state], turns)
    })
  }

  async function* batches(): AsyncGenerator<Batch, void> {
    const runs = start()
    for (const run of runs) run.catch(fail)
    try {
      for (;;) {
        await outbox.ready(signal)
        if (failure) throw failure.error
        if (signal.aborted) return
        const events = outbox.take()
        const gaps = states.flatMap(state => state.takeGaps())
        const cursors = states.map(state => state.takeCursor()).filter(change => change !== undefined)
        const changes = book.takeChanges()
        const worthIt =
          events.length + gaps.length + cursors.length + changes.accounts.length + changes.notices.length
        if (worthIt > 0) yield { events, progress: { cursors, gaps, ...changes } }
      }
    } finally {
      closing.abort()
      await Promise.allSettled(runs)
      await owned.disposeAsync()
    }
  }

  const iteration = batches()
  return {
    stats,
    status: () => statusOf(states, outbox),
    [Symbol.asyncIterator]: () => iteration,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await iteration.return()
      await owned.disposeAsync()
    },
  }
}

function checkOptions({ sources, merge, verify, identity, threads }: FirehoseOptions): void {
  const kind = sources[0]?.kind
  if (!kind) throw new TypeError('there is no source')
  if (sources.some(source => source.kind !== kind)) throw new TypeError('the sources are of two kinds')
  if (merge && kind === 'jetstream')
    throw new TypeError('only relays can be merged; give one Jetstream after the other')
  if (kind === 'relay' && verify !== 'off' && !identity) {
    throw new TypeError('verifying takes an identity resolver')
  }
  if (threads !== undefined && !(threads >= 1))
    throw new TypeError(`threads must be at least 1; got ${threads}`)
}
