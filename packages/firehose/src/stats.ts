import { type DropReason, zeroDrops } from './drops.ts'
import type { FirehoseEvent } from './events.ts'

/** What a firehose counts from its start. The fields are live: read them, do not keep copies of the object's parts. */
export interface FirehoseStats {
  /** Messages received, and their bytes, from all sources. */
  frames: number
  bytes: number
  events: Record<FirehoseEvent['kind'], number>
  /** Operations in the commits given out. */
  ops: number
  /** Commits given out that nothing vouches for: see `verified` of CommitEvent. */
  unverified: number
  /** Commits whose operations are true but not known to be all, as the sender is from before Sync 1.1. */
  incomplete: number
  /** Commits that do not follow on the account's last known one: something between was not seen. */
  chainBreaks: number
  /** Frames or operations that were not given out. */
  dropped: Record<DropReason, number>
  /** Messages of a type that this version does not know. */
  unknownMessages: number
  connects: number
  disconnects: number
  gaps: number
  /** Events whose sequence number was not above the one before it on the same connection. */
  seqRegressions: number
}

export function zeroStats(): FirehoseStats {
  return {
    frames: 0,
    bytes: 0,
    events: { commit: 0, identity: 0, account: 0, sync: 0 },
    ops: 0,
    unverified: 0,
    incomplete: 0,
    chainBreaks: 0,
    dropped: zeroDrops(),
    unknownMessages: 0,
    connects: 0,
    disconnects: 0,
    gaps: 0,
    seqRegressions: 0,
  }
}
