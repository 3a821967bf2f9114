import { didOfLine, linesByAccount } from '@orrery/testnet'
import type { Event } from '../harness.ts'

/** A line of the log, read apart. */
export interface Logged {
  line: string
  timeUs: number
  did: string
  kind: string
  /** The collection of a commit; otherwise empty. */
  collection: string
  /** What the simulated network calls it, without its time. */
  name: string
}

/** Reads a line as a subscriber gets it. */
export function readLogged(line: string): Logged {
  const event = JSON.parse(line) as Event
  const { did, time_us: timeUs, kind, commit } = event
  return { line, timeUs, did, kind, collection: commit?.collection ?? '', name: nameOf(event) }
}

function nameOf({ did, kind, commit, account }: Event): string {
  if (commit) {
    const { rev, operation, collection, rkey, cid } = commit
    return `${did} ${rev} ${operation} ${collection}/${rkey} ${cid ?? ''}`.trimEnd()
  }
  return account ? `${did} account ${account.active} ${account.status ?? ''}`.trimEnd() : `${did} ${kind}`
}

const timeKey = '"time_us":'

/** The time of a line, of an event or a heartbeat, without parsing all of it. */
export function timeOf(line: string): number {
  const from = line.indexOf(timeKey) + timeKey.length
  return Number(line.slice(from, from + 16))
}

/**
 * What is wrong with a log, beside what the network sent, if anything: times that do not rise, events that are missing,
 * doubled, too many, or out of their account's order.
 */
export function faultOfLog(log: readonly Logged[], expected: readonly string[]): string | undefined {
  for (const [i, { timeUs }] of log.entries()) {
    if (i > 0 && timeUs <= log[i - 1]!.timeUs) return `time ${timeUs} at ${i} does not rise`
  }
  const got = linesByAccount(log.map(({ name }) => name))
  for (const [did, wanted] of linesByAccount(expected)) {
    const names = got.get(did) ?? []
    const at = wanted.findIndex((name, i) => name !== names[i])
    if (at >= 0) return `${did}: event ${at} of ${wanted.length} is ${names[at]}, not ${wanted[at]}`
    if (names.length > wanted.length) return `${did}: ${names[wanted.length]} was never sent, or comes twice`
    got.delete(did)
  }
  return got.size > 0 ? `events of accounts that sent none: ${[...got.keys()].join(', ')}` : undefined
}

/**
 * For each event of the log, its place among what the network sent. Within an account the places rise; `faultOfLog` must
 * have found nothing.
 */
export function placesOf(log: readonly Logged[], expected: readonly string[]): number[] {
  const places = new Map<string, number[]>()
  for (const [place, name] of expected.entries()) {
    const did = didOfLine(name)
    const list = places.get(did)
    if (list) list.push(place)
    else places.set(did, [place])
  }
  const next = new Map<string, number>()
  return log.map(({ did }) => {
    const nth = next.get(did) ?? 0
    next.set(did, nth + 1)
    return places.get(did)![nth]!
  })
}
