// The time model: hours, days and weeks counted from 1970, so that weeks begin on Thursdays, 00:00 UTC.

export const hourUs = 3_600_000_000
export const hourMs = 3_600_000
export const dayHours = 24
export const weekHours = 168

/**
 * The levels that counts are kept at, finest first. Each is made of whole ones of the level before. Quarters, of six hours,
 * are there so that a window that begins at any hour has few ends.
 */
export const levels = ['hour', 'quarter', 'day', 'week'] as const
export type Level = (typeof levels)[number]

/** How long one of a level is, hours. */
export const levelHours: Readonly<Record<Level, number>> = {
  hour: 1,
  quarter: 6,
  day: dayHours,
  week: weekHours,
}

/** Whole hours since 1970, `until` not in it. Nothing where `since` is not before `until`. */
export interface Window {
  since: number
  until: number
}

/** Consecutive hours, quarters, days or weeks, by their numbers; `to` is not in it. */
export interface Run {
  level: Level
  from: number
  to: number
}

export function hourOf(timeUs: number): number {
  return Math.floor(timeUs / hourUs)
}

/**
 * The fewest hours, quarters, days and weeks that make up a window, each hour once: at most seven runs, from hours up to
 * weeks and down to hours again.
 */
export function cover({ since, until }: Window): Run[] {
  const runs: Run[] = []
  for (let at = since; at < until;) {
    const level = levels.findLast(one => at % levelHours[one] === 0 && at + levelHours[one] <= until)!
    const size = levelHours[level]
    const number = at / size
    const last = runs.at(-1)
    if (last?.level === level && last.to === number) last.to++
    else runs.push({ level, from: number, to: number + 1 })
    at += size
  }
  return runs
}

/** The windows of a series: `step` hours each from `since` on, the last one as long as there is room. */
export function steps({ since, until }: Window, step: number): Window[] {
  const windows: Window[] = []
  for (let at = since; at < until; at += step) windows.push({ since: at, until: Math.min(at + step, until) })
  return windows
}
