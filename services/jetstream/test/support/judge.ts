import { type Asked, faultOf, indexOfTime } from './exact.ts'
import { type Logged, timeOf } from './logged.ts'
import type { Subscription } from './subscription.ts'

/** All that a subscription is judged by. */
export interface WholeLog {
  log: readonly Logged[]
  /** Of each event, its place among what the network sent. */
  places: readonly number[]
  /** The most events that may be compressed at one go: those may follow the filter before. */
  atOneGo: number
}

/**
 * What is wrong with a subscription, if anything.
 *
 * @param toTheEnd whether it was there to the end of the log
 */
export function faultOfSubscription(
  whole: WholeLog,
  subscription: Subscription,
  toTheEnd: boolean,
): string | undefined {
  const { lines, heartbeats, updates, options } = subscription
  if (options.hello && (updates[0]?.lines ?? lines.length) > 0) return 'something came before the hello'
  for (const { timeUs, lines: count } of heartbeats) {
    const [before, behind] = [lines[count - 1], lines[count]]
    if (before !== undefined && timeOf(before) > timeUs) return `the heartbeat ${timeUs} goes back`
    if (behind !== undefined && timeOf(behind) <= timeUs) return `the heartbeat ${timeUs} went ahead`
  }
  const asked = askedOf(whole, subscription)
  return asked && faultOf(whole.log, { lines, asked, toTheEnd })
}

/** The filters of a subscription, and where in the log each may have come into force; undefined where none ever did. */
export function askedOf(whole: WholeLog, subscription: Subscription): Asked[] | undefined {
  const { log, places, atOneGo } = whole
  const { lines, options, updates, knownAtConnect, sentAtOpen } = subscription
  const indexOf = (line: string): number => indexOfTime(log, timeOf(line))
  /** The first event that was sent when so many had been: whatever was done before holds for it. */
  const sentLater = (sent: number): number => {
    const index = places.findIndex(place => place >= sent)
    return index < 0 ? log.length : index
  }

  const asked = updates.map(({ wanted, lines: before, taken }): Asked => {
    const from = before > 0 ? indexOf(lines[before - 1]!) + 1 : 0
    if (!taken) return { wanted, from, by: log.length }
    const next = lines[taken.lines]
    // Chosen by the new filter, but for what was being compressed just then.
    const received = next === undefined ? log.length : indexOf(next) + (options.compress ? atOneGo : 0)
    return { wanted, from, by: Math.min(received, sentLater(taken.sent)) }
  })
  if (options.hello && asked.length === 0) return undefined

  const hello = options.hello ? updates[0] : undefined
  const known = hello && options.begin === 'now' ? hello.known : knownAtConnect
  const sent = hello ? (hello.taken?.sent ?? Number.POSITIVE_INFINITY) : sentAtOpen
  const begin =
    typeof options.begin === 'number'
      ? { from: indexOfTime(log, options.begin), by: indexOfTime(log, options.begin) }
      : { from: indexOfTime(log, known + 1), by: sentLater(sent) }
  const first = hello ? asked.shift()!.wanted : options.wanted
  return [{ wanted: first, ...begin }, ...asked]
}
