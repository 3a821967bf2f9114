import type { CollectionCounts, Counts, Seen } from '../store.ts'
import { hourMs } from '../time.ts'

// How the store's answers are written on the wire.

export function wireCounts({ creates, updates, deletes, dids }: Counts): object {
  return { creates, updates, deletes, dids_estimate: dids }
}

export function wireCollection(counts: CollectionCounts): object {
  return { nsid: counts.nsid, ...wireCounts(counts), ...wireSeen(counts) }
}

export function wireSeen({ firstUs, lastUs }: Seen): object {
  return { first_seen: wireTime(firstUs), last_seen: wireTime(lastUs) }
}

/** RFC 3339, without a fraction where it is zero. */
export function wireTime(us: number): string {
  const whole = new Date(Math.floor(us / 1_000_000) * 1_000).toISOString().slice(0, 19)
  const fraction = us % 1_000_000
  return fraction === 0 ? `${whole}Z` : `${whole}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`
}

export function wireHour(hour: number): string {
  return wireTime(hour * hourMs * 1_000)
}
