import type { CollectionCounts, Counts, Seen } from '../store.ts'
import { hourMs, hourOf } from '../time.ts'

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
  const seconds = Math.floor(us / 1_000_000)
  const fraction = us % 1_000_000
  const minute = Math.floor(seconds / 60) % 60
  const whole = `${upToMinutes(hourOf(us))}${twoDigits(minute)}:${twoDigits(seconds % 60)}`
  return fraction === 0 ? `${whole}Z` : `${whole}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`
}

const hours = new Map<number, string>()
const maxHours = 10_000

/** `2026-01-01T00:`. Making that of a date is most of what a page of an answer takes, and there are few hours. */
function upToMinutes(hour: number): string {
  let text = hours.get(hour)
  if (text === undefined) {
    if (hours.size >= maxHours) hours.clear()
    text = new Date(hour * hourMs).toISOString().slice(0, 14)
    hours.set(hour, text)
  }
  return text
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

export function wireHour(hour: number): string {
  return wireTime(hour * hourMs * 1_000)
}
