import { invalidRequest } from '@orrery/server'
import { levelHours, steps, type Window } from '../time.ts'
import { given, type Query } from './query.ts'

const hourSeconds = 3_600

/** Steps that have names. */
const named = ['hour', 'day', 'week'] as const

/** Parts of one series: two years by the hour. */
const maxSteps = 17_520

/**
 * The windows of a series: `step` seconds each, down to whole hours, from the first hour on. With `hour`, `day` or `week` they
 * begin where those do, the first one before `since` then.
 *
 * @throws HttpError 400
 */
export function readSteps(query: Query, window: Window): Window[] {
  const text = given(query, 'step') ?? '86400'
  if (isNamed(text)) {
    const size = levelHours[text]
    return checked({ ...window, since: Math.floor(window.since / size) * size }, size)
  }
  if (!/^\d{1,15}$/.test(text)) {
    throw invalidRequest('unable to parse query string: "step" must be seconds, or one of hour, day, week')
  }
  const seconds = Number(text)
  if (seconds < hourSeconds) throw invalidRequest(`step is too small: ${seconds}`)
  return checked(window, Math.floor(seconds / hourSeconds))
}

function checked(window: Window, size: number): Window[] {
  const count = Math.ceil((window.until - window.since) / size)
  if (count > maxSteps) {
    throw invalidRequest(`too many steps: ${count}, at most ${maxSteps}; take a longer step or a later since`)
  }
  return steps(window, size)
}

function isNamed(text: string): text is (typeof named)[number] {
  return (named as readonly string[]).includes(text)
}
