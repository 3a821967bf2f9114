import { isTid, tidToTimeUs } from '@orrery/repo'
import { invalidParameter, type QueryParams } from '@orrery/server'

/** The end of the year 9999, milliseconds since 1970: what is later was meant as microseconds. */
const latestMs = 253_402_300_799_999

/** RFC 3339, a date alone included, which is midnight UTC; the last hour is 23. */
const dateTime = /^\d{4}-\d\d-\d\d(?:[Tt](?!24)\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d))?$/

/**
 * A time as milliseconds since 1970, rounded down: written as a date and time with its offset, as milliseconds, or as the
 * TID of a record or rev.
 */
export function readTime(query: QueryParams, name: string): number | undefined {
  const text = query.optional(name)
  if (text === undefined || text === '') return undefined
  const timeMs = parseTime(text)
  if (timeMs === undefined) {
    throw invalidParameter(
      name,
      'must be a time such as 2026-01-31T12:00:00Z (a "+" in it written as %2B), milliseconds since 1970, or a TID',
    )
  }
  return timeMs
}

function parseTime(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text) <= latestMs ? Number(text) : undefined
  if (isTid(text)) return Math.floor(tidToTimeUs(text) / 1000)
  const timeMs = dateTime.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text.toUpperCase()) : Number.NaN
  return Number.isNaN(timeMs) ? undefined : timeMs
}

/** Whether there is such a day: `Date` takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const timeMs = Date.parse(date)
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(date)
}
