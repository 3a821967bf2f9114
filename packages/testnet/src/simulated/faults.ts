/**
 * What can go wrong with a frame, between an account and a relay's consumer. `reason` is what a strict consumer counts for
 * it; `cbor_*` stands for any of that kind. `lost` says whether what the account did is gone for good. `seenIn` says where
 * a consumer notices:
 *
 * - `frame`: before it knows whose it is
 * - `checks`: in the checks of the commit by itself
 * - `record`: in one record of a commit that is good otherwise
 * - `order`: only by comparing with what came before; nothing is wrong in the bytes
 */
export const faults = {
  /** The frame comes twice. */
  duplicate: { lost: false, reason: 'replay', seenIn: 'order' },
  /** The frame and the next one of the account change places: the older is then behind the newer. */
  reordered: { lost: true, reason: 'replay', seenIn: 'order' },
  /** More than five megabytes. */
  oversized: { lost: true, reason: 'frame_too_big', seenIn: 'frame' },
  /** Its end is missing. */
  truncated: { lost: true, reason: 'cbor_truncated', seenIn: 'frame' },
  /** The signature is another one's. */
  bad_signature: { lost: true, reason: 'bad_signature', seenIn: 'checks' },
  /** It claims to come from another tree. */
  bad_proof: { lost: true, reason: 'bad_proof', seenIn: 'checks' },
  /** A block that the proof needs is not there. */
  missing_block: { lost: true, reason: 'missing_block', seenIn: 'checks' },
  /** A block is not what its CID says. */
  bad_hash: { lost: true, reason: 'hash_mismatch', seenIn: 'checks' },
  /** It never comes; the next one does not follow on. Counted as a chain break. */
  chain_break: { lost: true, reason: undefined, seenIn: 'order' },
  /** Its rev is from tomorrow. */
  future_rev: { lost: true, reason: 'future_rev', seenIn: 'checks' },
  /** Its record is nested deeper than anybody's parser goes. */
  deep_nesting: { lost: true, reason: 'cbor_too_deep', seenIn: 'record' },
  /** Its record is no CBOR. */
  junk_record: { lost: true, reason: 'cbor_*', seenIn: 'record' },
  /** Instead of a frame, any bytes. */
  junk_frame: { lost: true, reason: 'frame_bad', seenIn: 'frame' },
} as const satisfies Record<string, Fault>

interface Fault {
  lost: boolean
  reason: string | undefined
  seenIn: 'frame' | 'checks' | 'record' | 'order'
}

export type FaultKind = keyof typeof faults

export const faultKinds = Object.keys(faults) as FaultKind[]

/** What can happen in a network besides frames, and is no fault of one: to an account, or to the connection. */
export const happenings = [
  /** An account is deactivated, or comes back. */
  'status_change',
  /** An account takes another key, and says so. */
  'key_rotation',
  /** A #sync for where the account is; half of them after a change that nothing else told of. */
  'sync',
  /** A relay ends the connection without a word. */
  'disconnect',
  /** A relay says `ConsumerTooSlow` and closes. */
  'slow_consumer',
  /** A relay is away, and when it is back it has forgotten what it was sent meanwhile. */
  'outdated_cursor',
] as const

export type Happening = (typeof happenings)[number]
