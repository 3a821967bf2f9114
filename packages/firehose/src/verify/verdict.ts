import type { DropReason } from '../drops.ts'

/** How much to check. */
export type Checks = 'full' | 'none'

/** What a verifier finds of one frame. Plain data: it crosses threads. */
export type Verdict = Refusal | CommitVerdict | SyncVerdict

export interface Refusal {
  ok: false
  reason: DropReason
  detail: string
}

export interface CommitVerdict {
  ok: true
  kind: 'commit'
  since: string | null
  /** CID text; null where the sender gave none. */
  prevData: string | null
  /** The root of the tree after, CID text. */
  data: string
  /** Whether the signature was checked. */
  signed: boolean
  /** Whether the operations are known to be all: see `Proof` of `@orrery/repo`. */
  complete: boolean
  time: string
  ops: OpVerdict[]
  /** Operations that were left out, by reason. */
  droppedOps: DropReason[]
}

export interface OpVerdict {
  action: 'create' | 'update' | 'delete'
  collection: string
  rkey: string
  cid: string | null
  /** Where the record's JSON is in the output of the batch; both 0 for a delete. */
  start: number
  end: number
}

export interface SyncVerdict {
  ok: true
  kind: 'sync'
  data: string
  signed: boolean
  time: string
}

/** Frames for a verifier, in one message. */
export interface VerifyRequest {
  /** The frames, one behind the other. */
  bytes: Uint8Array<ArrayBuffer>
  /** Where each frame ends. */
  ends: number[]
  /** The key to check each frame with, Multikey form; null to leave the signature unchecked. */
  keys: (string | null)[]
  checks: Checks
  /** Microseconds since 1970. */
  nowUs: number
}

export interface VerifyResponse {
  verdicts: Verdict[]
  /** The JSON of all records. */
  json: Uint8Array<ArrayBuffer>
}

/** What the verifier's thread serves. */
export interface VerifierApi {
  verify(request: VerifyRequest): VerifyResponse
}
