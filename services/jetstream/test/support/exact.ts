import { type Logged, timeOf } from './logged.ts'
import { type Wanted, wants } from './wanted.ts'

/** A filter that a connection asked for, and where in the log it came into force: places are indices of its events. */
export interface Asked {
  wanted: Wanted
  /** Not before this one. */
  from: number
  /** At this one at the latest. */
  by: number
}

/** What a connection received, and what is known of where it began and ended. */
export interface Received {
  lines: readonly string[]
  /** The first filter in force and those after it, in their order; `from` and `by` of the first say where it began. */
  asked: readonly Asked[]
  /** Whether it was there to the log's end; otherwise it ended somewhere behind its last event. */
  toTheEnd: boolean
}

/**
 * What is wrong with what a connection received, if anything. It is right where there is one beginning, and one place for
 * each change of the filter, within what is known of them, so that every event of the log from the beginning on was
 * received exactly when the filter in force wants it: byte for byte, once, in the log's order.
 */
export function faultOf(log: readonly Logged[], received: Received): string | undefined {
  const { lines, asked, toTheEnd } = received
  const indices: number[] = []
  for (const [nth, line] of lines.entries()) {
    const index = indexOfTime(log, timeOf(line))
    if (log[index]?.line !== line) return `message ${nth} is not in the log: ${line}`
    const before = indices.at(-1)
    if (before === index) return `message ${nth} comes twice: ${line}`
    if (before !== undefined && before > index) return `message ${nth} is behind the one before it: ${line}`
    indices.push(index)
  }

  const isReceived = new Set(indices)
  const end = toTheEnd ? log.length : (indices.at(-1) ?? -1) + 1
  /** For each filter, whether it may be the one in force, by all that was seen. */
  const inForce = asked.map(() => false)
  let mayBegin = true
  for (let i = 0; i < end; i++) {
    if (mayBegin && i >= asked[0]!.from) inForce[0] = true
    if (i >= asked[0]!.by) mayBegin = false
    for (let k = 1; k < asked.length; k++) {
      if (inForce[k - 1] && i >= asked[k]!.from) inForce[k] = true
      if (i >= asked[k]!.by) inForce.fill(false, 0, k)
    }
    const event = log[i]!
    for (const [k, { wanted }] of asked.entries()) {
      if (inForce[k] && wants(wanted, event) !== isReceived.has(i)) inForce[k] = false
    }
    if (isReceived.has(i)) mayBegin = false
    if (mayBegin || inForce.includes(true)) continue
    const what = isReceived.has(i) ? 'was received and is not wanted' : 'is wanted and was not received'
    return `event ${i} of ${log.length} ${what}, whatever the course: ${event.line.slice(0, 300)}; asked ${JSON.stringify(asked)}`
  }
  return undefined
}

/** The first event at or behind a time. */
export function indexOfTime(log: readonly Logged[], timeUs: number): number {
  let low = 0
  let high = log.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (log[middle]!.timeUs < timeUs) low = middle + 1
    else high = middle
  }
  return low
}
