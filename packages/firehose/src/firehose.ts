import { availableParallelism } from 'node:os'
import type { IdentityResolver } from '@orrery/identity'
import { AccountBook } from './accounts.ts'
import { backoffMs, type BackoffOptions, pause } from './backoff.ts'
import type { DropReason } from './drops.ts'
import { ConnectionError } from './errors.ts'
import type { Batch, Gap } from './events.ts'
import type { Follow } from './follow.ts'
import { followJetstream } from './jetstream/jetstream.ts'
import { Outbox } from './outbox.ts'
import type { ProgressStore } from './progress/store.ts'
import { createKeySource, type VerifyMode } from './relay/keys.ts'
import { Pipeline } from './relay/pipeline.ts'
import { followRelay } from './relay/relay.ts'
import type { Source } from './source.ts'
import { SourceState, type SourceStatus } from './source-state.ts'
import { type FirehoseStats, zeroStats } from './stats.ts'
import { openVerifyPool } from './verify/pool.ts'

export interface FirehoseOptions {
  /** In order of preference, all of one kind: see `parseSources`. */
  sources: readonly Source[]
  /** What was saved of earlier batches. */
  progress: ProgressStore
  /** Follow all sources at once instead of one after the other. Relays only. Default false. */
  merge?: boolean | undefined
  /** Relays only: a Jetstream is taken at its word. Default `timely`. */
  verify?: VerifyMode | undefined
  /** Needed for relays, unless `verify` is `off`. Not disposed with the firehose. */
  identity?: IdentityResolver | undefined
  /** Ends the iteration quietly; what is under way then comes again after a restart. */
  signal?: AbortSignal | undefined
  /** Threads that check frames. Default: one less than the cores, at least one. */
  threads?: number | undefined
  userAgent?: string | undefined
  /** Told what happens to connections, in words for a log. */
  onNotice?: ((notice: FirehoseNotice) => void) | undefined
  /** Told of each dropped frame or operation. May be called very often. */
  onDrop?: ((reason: DropReason, did: string, detail: string) => void) | undefined
  pingMs?: number | undefined
  backoff?: BackoffOptions | undefined
  /** How long a commit waits for its identity under `timely`, milliseconds. Default 5,000. */
  timelyMs?: number | undefined
}

export interface FirehoseNotice {
  level: 'info' | 'warn'
  source: string
  message: string
}

export interface FirehoseStatus {
  /** `starting`: no source has been reached yet. `live`: connected. `down`: was connected, is not. */
  state: 'starting' | 'live' | 'down'
  /**
   * How far what was given out trails the network, milliseconds: the age of the oldest event under way, else how late the
   * newest was when it came, else, without a connection, its age. Undefined before the first event.
   */
  lagMs: number | undefined
  /** The age of the newest event by upstream's clock, milliseconds: on a quiet network it grows though nothing lags. */
  lastEventAgeMs: number | undefined
  sources: SourceStatus[]
}

/**
 * What happens on the network, in batches. One consumer; the loop's pace is the sources' pace. Leaving the loop closes
 * everything.
 */
export interface Firehose extends AsyncIterable<Batch>, AsyncDisposable {
  readonly stats: FirehoseStats
  status(): FirehoseStatus
}

/** Events that wait for the consumer, at the most. */
const outboxEvents = 10_000
const outboxBytes = 32 * 1024 * 1024

/** How often a source is tried before the next one in the list gets its turn. */
const triesPerSource = 3

/** A connection that lived this long was a good one: after it the count of tries starts anew. */
const goodConnectionMs = 10_000

/** How far before the last event a Jetstream is asked to begin that takes over from another, microseconds. */
const rewindUs = 10_000_000

/**
 * Opens a firehose; connecting begins with the first step of the iteration.
 *
 * @throws TypeError where the options contradict each other
 */
export async function openFirehose(options: FirehoseOptions): Promise<Firehose> {
  const { sources, progress, merge = false, verify = 'timely' } = options
  const kind = sources[0]?.kind
  if (!kind) throw new TypeError('there is no source')
  if (merge && kind === 'jetstream')
    throw new TypeError('only relays can be merged; give one Jetstream after the other')
  if (kind === 'relay' && verify !== 'off' && !options.identity) {
    throw new TypeError('verifying takes an identity resolver')
  }

  const closing = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal
  const stats = zeroStats()
  const book = new AccountBook(progress)
  const outbox = new Outbox({ maxEvents: outboxEvents, maxBytes: outboxBytes })
  const onGap = (gap: Gap): void => {
    stats.gaps++
    outbox.gap(gap)
    notice('warn', gap.source, `missing from ${gap.from || 'the beginning'} to ${gap.to} (${gap.reason})`)
  }
  const states = sources.map(source => new SourceState(source, progress.cursor(source.key), onGap))
  await using cleanUp = new AsyncDisposableStack()
  const pool =
    kind === 'relay'
      ? cleanUp.use(
          await openVerifyPool({
            checks: verify === 'off' ? 'none' : 'full',
            threads: options.threads ?? Math.max(1, availableParallelism() - 1),
          }),
        )
      : undefined
  const pipeline =
    pool &&
    new Pipeline({
      mode: verify,
      keys:
        verify === 'off'
          ? undefined
          : createKeySource({
              identity: options.identity!,
              mode: verify,
              signal,
              timelyMs: options.timelyMs,
            }),
      purgeIdentity: did => options.identity?.purge(did),
      pool,
      book,
      outbox,
      stats,
      signal,
      merging: merge && sources.length > 1,
      onDrop: options.onDrop,
    })
  const owned = cleanUp.move()

  function notice(level: FirehoseNotice['level'], source: string, message: string): void {
    options.onNotice?.({ level, source, message })
  }

  /** Follows one source over one connection. Answers whether the connection was a good one, and what ended it. */
  async function followOnce(
    state: SourceState,
  ): Promise<{ good: boolean; error: ConnectionError | undefined }> {
    const startedAt = Date.now()
    const follow: Follow = {
      state,
      outbox,
      stats,
      signal,
      userAgent: options.userAgent ?? 'orrery',
      pingMs: options.pingMs,
    }
    notice(
      'info',
      state.source.name,
      `connecting${state.cursor === undefined ? '' : ` at cursor ${state.cursor}`}`,
    )
    const before = stats.connects
    try {
      await (pipeline ? followRelay(follow, pipeline) : followJetstream(follow, options.onDrop))
      return { good: true, error: undefined }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      state.lastError = error.message
      return { good: stats.connects > before && Date.now() - startedAt > goodConnectionMs, error }
    }
  }

  /** Follows sources in turn, from one to the next when one fails, for ever. */
  async function followInTurn(turn: readonly SourceState[]): Promise<void> {
    let at = 0
    let tries = 0
    let failures = 0
    let last: SourceState | undefined
    while (!signal.aborted) {
      const state = turn[at]!
      if (last && last !== state) takeOver(state, last)
      const { good, error } = await followOnce(state)
      if (signal.aborted) return
      if (state.watermark.newest) last = state
      tries = good ? 1 : tries + 1
      failures = good ? 1 : failures + 1
      const waitMs = Math.max(backoffMs(failures, options.backoff), error?.retryAfterMs ?? 0)
      const next = tries >= triesPerSource && turn.length > 1
      if (next) {
        at = (at + 1) % turn.length
        tries = 0
      }
      const then = next ? `${turn[at]!.source.name} is next` : 'trying again'
      notice(
        'warn',
        state.source.name,
        `${error?.message ?? 'the connection ended'}; ${then} in ${(waitMs / 1000).toFixed(1)} s`,
      )
      await pause(waitMs, signal)
    }
  }

  async function* batches(): AsyncGenerator<Batch, void> {
    const runs = merge ? states.map(state => followInTurn([state])) : [followInTurn(states)]
    let failure: { error: unknown } | undefined
    for (const run of runs) {
      run.catch((error: unknown) => {
        failure ??= { error }
        outbox.touch()
      })
    }
    try {
      for (;;) {
        await outbox.ready(signal)
        if (failure) throw failure.error
        if (signal.aborted) return
        const { events, gaps } = outbox.take()
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
    status: () => statusOf(states),
    [Symbol.asyncIterator]: () => iteration,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await iteration.return()
      await owned.disposeAsync()
    },
  }
}

/** Prepares a source that follows on another. Without a cursor of its own it can only begin now, or nearly so. */
function takeOver(state: SourceState, from: SourceState): void {
  if (state.source.kind === 'jetstream') {
    const cursor = from.cursor
    if (state.cursor === undefined && cursor !== undefined) state.beginAt(cursor - rewindUs)
  } else if (state.cursor === undefined) state.missed('new_source', from.time)
}

function statusOf(states: readonly SourceState[]): FirehoseStatus {
  const now = Date.now()
  const connected = states.filter(state => state.isConnected)
  const times = states.map(state => Date.parse(state.time)).filter(time => !Number.isNaN(time))
  const newest = times.length > 0 ? Math.max(...times) : undefined
  const open = states
    .map(state => Date.parse(state.watermark.oldestOpen?.time ?? ''))
    .filter(time => !Number.isNaN(time))
  let lagMs: number | undefined
  if (open.length > 0) lagMs = now - Math.min(...open)
  else if (connected.length > 0) lagMs = Math.min(...connected.map(state => state.delayMs))
  else if (newest !== undefined) lagMs = now - newest
  return {
    state:
      connected.length > 0
        ? 'live'
        : states.some(state => state.status().everConnected)
          ? 'down'
          : 'starting',
    lagMs: lagMs === undefined ? undefined : Math.max(0, lagMs),
    lastEventAgeMs: newest === undefined ? undefined : Math.max(0, now - newest),
    sources: states.map(state => state.status()),
  }
}
