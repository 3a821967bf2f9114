import type { Figure } from './figure.ts'

/** What a figure is to reach. */
export interface Target {
  of: 'figure' | 'ratio'
  atLeast?: number
  atMost?: number
}

/** What is wanted of the figures of this name, up to a comma, and of one peer where there are several. */
const targets: readonly (Target & { name: string; peer?: string })[] = [
  { name: 'frames/s of a core to JSON', peer: '@atcute', of: 'ratio', atLeast: 1.5 },
  { name: 'frames/s of a core to JSON', peer: '@ipld', of: 'ratio', atLeast: 8 },
  { name: 'verified commits/s of a core', peer: 'OpenSSL, signatures alone', of: 'ratio', atLeast: 0.75 },
  { name: 'verified commits/s of a pool of two threads', of: 'ratio', atLeast: 1.7 },
  { name: 'events/s delivered by a core, 200 subscribers', of: 'figure', atLeast: 500_000 },
  { name: 'events/s delivered by a core, 1000 subscribers', of: 'figure', atLeast: 500_000 },
  { name: 'MB of memory, 1000 subscribers', of: 'figure', atMost: 400 },
  { name: 'ms from event to subscriber, p99', of: 'figure', atMost: 30 },
  { name: 'events/s replayed from disk to 1', of: 'figure', atLeast: 200_000 },
  { name: 'events/s kept', of: 'figure', atLeast: 50_000 },
  { name: 'bytes on disk by bytes of JSON', of: 'figure', atMost: 0.45 },
  { name: 'cores, 1000 commits/s verified', of: 'figure', atMost: 0.45 },
  { name: 'MB of memory, 1000 commits/s verified', of: 'figure', atMost: 250 },
  { name: 'links/s taken in', of: 'figure', atLeast: 60_000 },
  { name: 'links/s taken in at the end', of: 'figure', atLeast: 30_000 },
  { name: 'bytes on disk of a link', of: 'figure', atMost: 60 },
  { name: 'ms for counts, p99', of: 'figure', atMost: 2 },
  { name: 'ms for a page, p99', of: 'figure', atMost: 10 },
  { name: 'ms that counts wait for a join at most', of: 'figure', atMost: 50 },
  { name: 'MB of memory with the index', of: 'figure', atMost: 350 },
  { name: 'counts/s over HTTP by a core', of: 'ratio', atLeast: 0.6 },
  { name: 'links/s delivered by a core, 200 unfiltered subscribers', of: 'figure', atLeast: 400_000 },
  { name: 'cores, 2,000 events/s, 200 filtered subscribers', of: 'figure', atMost: 0.4 },
  { name: 'MB of memory, 2,000 events/s, 200 filtered subscribers', of: 'figure', atMost: 250 },
  { name: 'bytes of a link in the log', of: 'figure', atMost: 60 },
  { name: 'records/s taken in', of: 'figure', atLeast: 20_000 },
  { name: 'records/s from memory by a core', of: 'ratio', atLeast: 0.7 },
  { name: 'records/s from disk by a core', of: 'ratio', atLeast: 0.4 },
  { name: 'ms for a record, p99', of: 'figure', atMost: 10 },
  { name: 'MB of memory with 64 MiB of records', of: 'figure', atMost: 300 },
  { name: 'ms that a commit takes at most', of: 'figure', atMost: 100 },
  { name: 'ms that a query takes at most', of: 'figure', atMost: 100 },
  { name: 'share of the bytes sent again', of: 'figure', atMost: 0.05 },
  { name: 'ms for a hit beside a dead host, p99', of: 'figure', atMost: 20 },
  { name: 'events/s counted', of: 'figure', atLeast: 40_000 },
  { name: 'MB of memory with a year', of: 'figure', atMost: 300 },
  { name: 'ms for collections ordered over a month, p99', of: 'figure', atMost: 50 },
  { name: 'ms for a year by day, p99', of: 'figure', atMost: 50 },
  { name: 'ms for search, p99', of: 'figure', atMost: 50 },
  { name: 'ms for a prefix over a month, p99', of: 'figure', atMost: 50 },
  { name: 'ms for collections ordered, all time, p99', of: 'figure', atMost: 5 },
  { name: 'ms for collections by name, all time, p99', of: 'figure', atMost: 5 },
  { name: 'ms for a prefix, all time, p99', of: 'figure', atMost: 5 },
  { name: 'requests to a PDS for 50 of one record at once', of: 'figure', atMost: 1 },
]

/** The target of a figure; undefined where it has none. */
export function targetOf({ name, peer }: Figure): Target | undefined {
  return targets.find(
    target =>
      (name === target.name || name.startsWith(`${target.name},`)) && (!target.peer || target.peer === peer),
  )
}

/** Whether a figure reaches its target; undefined where it has none. */
export function isReached(figure: Figure): boolean | undefined {
  const target = targetOf(figure)
  const value = target && figure[target.of]
  if (value === undefined) return undefined
  return (
    value >= (target!.atLeast ?? Number.NEGATIVE_INFINITY) &&
    value <= (target!.atMost ?? Number.POSITIVE_INFINITY)
  )
}
