import { isValidNsid } from '@atproto/syntax'
import type { CommitEvent, FirehoseEvent, RecordOp } from '@orrery/firehose'
import type { Change } from './store.ts'

/** What was made of events, counted from the start. */
export interface ChangeStats {
  /** Changes, by kind. */
  changes: Record<Change['kind'], number>
  /** Operations that were left out, as their collection is no NSID. */
  badNsids: number
  /** Records that were too large to be samples. */
  tooLarge: number
  /** Events with a time that cannot be, counted in the hour in which they came. */
  badTimes: number
}

export function zeroChangeStats(): ChangeStats {
  return {
    changes: { create: 0, update: 0, delete: 0, remove_account: 0 },
    badNsids: 0,
    tooLarge: 0,
    badTimes: 0,
  }
}

export interface ChangeOptions {
  maxSampleBytes: number
  stats: ChangeStats
  /** Milliseconds since 1970. */
  now: () => number
}

/** How far an event may be ahead of our clock: clocks differ, and a step of one is more than that. */
const aheadMs = 5 * 60_000

/** How old an event may be and still be counted in its own hour: longer than any source replays. */
const oldMs = 7 * 24 * 3_600_000

const nsidsRemembered = 20_000

/** Makes changes of events, one at a time and in order. */
export function createChangeMaker(options: ChangeOptions): (event: FirehoseEvent) => Change[] {
  const { stats } = options
  const isNsid = createNsidCheck()
  return event => {
    const changes = changesOf(event, options, isNsid)
    for (const { kind } of changes) stats.changes[kind]++
    return changes
  }
}

function changesOf(
  event: FirehoseEvent,
  options: ChangeOptions,
  isNsid: (text: string) => boolean,
): Change[] {
  switch (event.kind) {
    case 'commit': {
      const { stats } = options
      const good = event.ops.filter(({ collection }) => isNsid(collection))
      stats.badNsids += event.ops.length - good.length
      const timeUs = timeOf(event, options)
      return good.map(op => changeOfOp(event, op, timeUs, options))
    }
    case 'account':
      return event.active ? [] : [{ kind: 'remove_account', did: event.did }]
    case 'sync':
    case 'identity':
      return []
  }
}

function changeOfOp(
  { did, rev }: CommitEvent,
  { action, collection, rkey, cid, record }: RecordOp,
  timeUs: number,
  { maxSampleBytes, stats }: ChangeOptions,
): Change {
  if (action === 'delete') return { kind: 'delete', did, collection, rkey, timeUs }
  const isSample = record !== null && cid !== null && record.length <= maxSampleBytes
  if (!isSample) stats.tooLarge++
  return { kind: action, did, collection, rkey, rev, cid: cid ?? '', json: isSample ? record : null, timeUs }
}

/**
 * When an event happened, microseconds since 1970: by a Jetstream's clock, or by what a relay says. Times that cannot be,
 * as hosts may write any, and those of before our clock was set back, are taken for now.
 */
function timeOf({ timeUs, time }: CommitEvent, { stats, now }: ChangeOptions): number {
  const nowMs = now()
  const ms = timeUs === undefined ? Date.parse(time) : timeUs / 1_000
  if (ms <= nowMs + aheadMs && ms >= nowMs - oldMs) return timeUs ?? ms * 1_000
  stats.badTimes++
  return nowMs * 1_000
}

/** There are few collections, so those that were seen are remembered, until they are many. */
function createNsidCheck(): (text: string) => boolean {
  const known = new Set<string>()
  return text => {
    if (known.has(text)) return true
    if (!isValidNsid(text)) return false
    if (known.size === nsidsRemembered) known.clear()
    known.add(text)
    return true
  }
}
