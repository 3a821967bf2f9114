/** How many snapshots are kept: the newest, and of so many hours, days and weeks the newest of each. UTC. */
export interface Keep {
  last: number
  hourly: number
  daily: number
  weekly: number
}

export const defaultKeep: Keep = { last: 3, hourly: 24, daily: 7, weekly: 4 }

const hour = 3_600_000
const day = 24 * hour
/** 1970 began on a Thursday; weeks begin on Monday. */
const toMonday = 3 * day

/** Which of some times are to be kept, milliseconds. The newest always is. */
export function chooseKept(times: readonly number[], keep: Keep): Set<number> {
  const newestFirst = times.toSorted((a, b) => b - a)
  const kept = new Set(newestFirst.slice(0, Math.max(1, keep.last)))
  const spans: [number, (time: number) => number][] = [
    [keep.hourly, time => Math.floor(time / hour)],
    [keep.daily, time => Math.floor(time / day)],
    [keep.weekly, time => Math.floor((time + toMonday) / (7 * day))],
  ]
  for (const [count, spanOf] of spans) {
    const seen = new Set<number>()
    for (const time of newestFirst) {
      if (seen.size === count) break
      if (seen.has(spanOf(time))) continue
      seen.add(spanOf(time))
      kept.add(time)
    }
  }
  return kept
}
