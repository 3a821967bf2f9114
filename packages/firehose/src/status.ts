import type { Outbox } from './outbox.ts'
import type { SourceState, SourceStatus } from './source-state.ts'

export interface FirehoseStatus {
  /** `starting`: no source has been reached yet. `live`: connected. `down`: was connected, is not. */
  state: 'starting' | 'live' | 'down'
  /**
   * How far what was given out trails the network, milliseconds: how late events are when they come (of several sources
   * that are connected, at the earliest of them), and how long the oldest one that is not given out yet has been here.
   * While no source is connected, the age of the newest event. A quiet network does not lag. Undefined before the first
   * event that is known.
   */
  lagMs: number | undefined
  /** The age of the newest event by upstream's clock, milliseconds: on a quiet network it grows though nothing lags. */
  lastEventAgeMs: number | undefined
  sources: SourceStatus[]
}

export function statusOf(states: readonly SourceState[], outbox: Outbox): FirehoseStatus {
  const now = Date.now()
  const sources = states.map(state => state.status())
  const connected = states.filter(state => state.isConnected)
  const times = states.map(state => Date.parse(state.time)).filter(time => !Number.isNaN(time))
  const ageMs = times.length > 0 ? Math.max(0, now - Math.max(...times)) : undefined

  const waiting = [outbox.waitingSince, ...states.map(state => state.watermark.oldestOpen?.arrivedAt)]
  const waitedMs = Math.max(0, ...waiting.filter(at => at !== undefined).map(at => now - at))
  let lagMs: number | undefined
  if (connected.length > 0) lagMs = Math.min(...connected.map(state => state.delayMs)) + waitedMs
  else if (ageMs !== undefined) lagMs = Math.max(ageMs, waitedMs)
  return {
    state: connected.length > 0 ? 'live' : sources.some(source => source.everConnected) ? 'down' : 'starting',
    lagMs,
    lastEventAgeMs: ageMs,
    sources,
  }
}
