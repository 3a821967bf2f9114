import { pause } from './backoff.ts'
import type { SourceState } from './source-state.ts'

/** A source whose events come no later than this has caught up, milliseconds. */
const caughtUpMs = 10_000

/** How long a new source waits while none of the others can be reached, milliseconds. */
const aloneMs = 30_000

/**
 * When merging, holds a source back that has no cursor and so begins at the live end, while the others have catching up
 * to do: next to its new events, the older ones that they are about to bring would pass for replays. If none of them can
 * be reached it goes ahead, and what is between is a gap.
 */
export async function waitForOthers(
  state: SourceState,
  states: readonly SourceState[],
  options: { signal: AbortSignal; aloneMs?: number | undefined },
): Promise<void> {
  const { signal, aloneMs: patienceMs = aloneMs } = options
  const others = states.filter(other => other !== state && other.cursor !== undefined)
  if (state.cursor !== undefined || others.length === 0) return
  let aloneSince = performance.now()
  while (!signal.aborted) {
    const connected = others.filter(other => other.isConnected)
    if (connected.some(other => other.delayMs < caughtUpMs)) return
    if (connected.length > 0) aloneSince = performance.now()
    if (performance.now() - aloneSince >= patienceMs) {
      state.missed(
        'new_source',
        others.map(other => other.time).toSorted((a, b) => Date.parse(b) - Date.parse(a))[0],
      )
      return
    }
    await pause(Math.min(250, patienceMs), signal)
  }
}
