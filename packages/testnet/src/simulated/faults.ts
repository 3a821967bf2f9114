/**
 * What can go wrong between an account and a relay's consumer. Each names what the consumer is to do about it; `lost`
 * says whether the commit that was bent is gone for good.
 */
export const faults = {
  /** The frame comes twice. */
  duplicate: { lost: false, reason: 'replay' },
  /** The frame and the next one of the account change places: the older is then behind the newer. */
  reordered: { lost: true, reason: 'replay' },
  /** More than five megabytes. */
  oversized: { lost: true, reason: 'frame_too_big' },
  /** Its end is missing. */
  truncated: { lost: true, reason: 'cbor_truncated' },
  /** The signature is another one's. */
  bad_signature: { lost: true, reason: 'bad_signature' },
  /** It claims to come from another tree. */
  bad_proof: { lost: true, reason: 'bad_proof' },
  /** A block that the proof needs is not there. */
  missing_block: { lost: true, reason: 'missing_block' },
  /** A block is not what its CID says. */
  bad_hash: { lost: true, reason: 'hash_mismatch' },
  /** It never comes; the next one does not follow on. */
  chain_break: { lost: true, reason: undefined },
  /** Its rev is from tomorrow. */
  future_rev: { lost: true, reason: 'future_rev' },
  /** Its record is nested deeper than anybody's parser goes. */
  deep_nesting: { lost: true, reason: 'cbor_too_deep' },
  /** Its record is no CBOR. */
  junk_record: { lost: true, reason: 'cbor_*' },
  /** Instead of a frame, any bytes. */
  junk_frame: { lost: true, reason: 'frame_bad' },
} as const satisfies Record<string, { lost: boolean; reason: string | undefined }>

export type FaultKind = keyof typeof faults

export const faultKinds = Object.keys(faults) as FaultKind[]
