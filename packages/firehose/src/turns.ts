import { backoffMs, type BackoffOptions, pause } from './backoff.ts'
import type { ConnectionError } from './errors.ts'
import type { SourceState } from './source-state.ts'

/** How one connection to a source went. */
export interface Outcome {
  /** Whether it lived long enough to be called a good one. */
  good: boolean
  /** What ended it; undefined on the signal alone. */
  error: ConnectionError | undefined
}

export interface TurnOptions {
  /** Follows a source over one connection, until that ends. */
  follow: (state: SourceState) => Promise<Outcome>
  notice: (level: 'info' | 'warn', source: string, message: string) => void
  signal: AbortSignal
  backoff: BackoffOptions | undefined
}

/** How often a source is tried before the next one in the list gets its turn. */
const triesPerSource = 3

/** How far before the last event a Jetstream is asked to begin that takes over from another, microseconds. */
const rewindUs = 10_000_000

/** Follows sources in turn, from one to the next when one fails, until the signal aborts. */
export async function followInTurn(states: readonly SourceState[], options: TurnOptions): Promise<void> {
  const { follow, notice, signal } = options
  // The source that saw most of what has been saved; what follows on it must know where it was.
  let last = newestSaved(states)
  // A relay's replay is known by its revs, so it may begin with the first choice. Of a Jetstream it would be doubled.
  let at = last?.source.kind === 'jetstream' ? states.indexOf(last) : 0
  let tries = 0
  let failures = 0
  const notBefore = new Map<SourceState, number>()
  while (!signal.aborted) {
    const state = states[at]!
    if (last && last !== state) takeOver(state, last)
    const { good, error } = await follow(state)
    if (signal.aborted) return
    if (state.watermark.newest) last = state
    tries = good ? 1 : tries + 1
    failures = good ? 1 : failures + 1
    const askedMs = error?.retryAfterMs ?? 0
    notBefore.set(state, performance.now() + askedMs)
    let waitMs = backoffMs(failures, options.backoff)
    // Who asks for more patience than the pause takes gives way to the next.
    const isNext = states.length > 1 && (tries >= triesPerSource || askedMs > waitMs)
    if (isNext) {
      at = nextInTurn(states, at, notBefore, waitMs)
      tries = 0
    }
    const chosen = states[at]!
    waitMs = Math.max(waitMs, (notBefore.get(chosen) ?? 0) - performance.now())
    const then = isNext ? `${chosen.source.name} is next` : 'trying again'
    notice(
      'warn',
      state.source.name,
      `${error?.message ?? 'the connection ended'}; ${then} in ${(waitMs / 1000).toFixed(1)} s`,
    )
    await pause(waitMs, signal)
  }
}

/** The next source that is ready for us by the end of the pause; if none is, the one that is ready first. */
function nextInTurn(
  states: readonly SourceState[],
  at: number,
  notBefore: ReadonlyMap<SourceState, number>,
  waitMs: number,
): number {
  const order = states.map((_, i) => (at + 1 + i) % states.length)
  const readyAt = (i: number): number => notBefore.get(states[i]!) ?? 0
  const readyBy = performance.now() + waitMs
  return (
    order.find(i => readyAt(i) <= readyBy) ??
    order.reduce((best, i) => (readyAt(i) < readyAt(best) ? i : best))
  )
}

/** The source with the newest saved position, if any has one. */
function newestSaved(states: readonly SourceState[]): SourceState | undefined {
  let newest: SourceState | undefined
  for (const state of states) {
    if (state.cursor === undefined) continue
    if (!newest || (Date.parse(state.time) || 0) > (Date.parse(newest.time) || 0)) newest = state
  }
  return newest
}

/** Prepares a source that follows on another. Without a cursor of its own it can only begin now, or nearly so. */
function takeOver(state: SourceState, from: SourceState): void {
  if (state.source.kind === 'relay') {
    if (state.cursor === undefined) state.missed('new_source', from.time)
  } else if (from.cursor !== undefined) {
    // Their cursors are times, so one says something to the other; what comes twice is known by its name.
    const begin = from.cursor - rewindUs
    if (state.cursor === undefined || state.cursor < begin) state.beginAt(begin)
  }
}
