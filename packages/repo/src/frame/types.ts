import type { Cid } from '../cid.ts'

/**
 * Frames of `com.atproto.sync.subscribeRepos`: one WebSocket message holds two CBOR items, a header and a body.
 *
 * @see https://atproto.com/specs/event-stream
 * @see https://github.com/bluesky-social/atproto/blob/main/lexicons/com/atproto/sync/subscribeRepos.json
 */

/** Limits of the protocol, in bytes where not said otherwise. */
export const frameLimits = {
  /** A whole frame. */
  frame: 5_000_000,
  /** The CAR of a commit. */
  commitBlocks: 2_000_000,
  /** The CAR of a #sync, which holds the commit alone. The lexicon says 10,000; relays take more. */
  syncBlocks: 10_000,
  /** Operations of a commit, a count. */
  ops: 200,
  /** A record. */
  record: 1_048_576,
} as const

export interface CommitOp {
  action: 'create' | 'update' | 'delete'
  /** `collection/rkey`, as sent. */
  path: string
  /** The record's CID; null for a delete. */
  cid: Cid | null
  /** What the record was before an update or a delete; null where the sender is from before Sync 1.1. */
  prev: Cid | null
}

export interface CommitFrame {
  kind: 'commit'
  seq: number
  did: string
  rev: string
  /** The rev before this one, null for the first. */
  since: string | null
  commit: Cid
  /** The root of the tree before, undefined where the sender is from before Sync 1.1. */
  prevData: Cid | undefined
  ops: CommitOp[]
  /** The CAR, a view. */
  blocks: Uint8Array
  time: string
  /** Set by senders of old that left the blocks out. */
  tooBig: boolean
}

export interface SyncFrame {
  kind: 'sync'
  seq: number
  did: string
  rev: string
  /** A CAR with just the commit, a view. */
  blocks: Uint8Array
  time: string
}

export interface IdentityFrame {
  kind: 'identity'
  seq: number
  did: string
  handle: string | undefined
  time: string
}

export interface AccountFrame {
  kind: 'account'
  seq: number
  did: string
  active: boolean
  status: string | undefined
  time: string
}

export interface InfoFrame {
  kind: 'info'
  name: string
  message: string | undefined
}

/** The stream's last word: what comes behind it is a closed connection. */
export interface ErrorFrame {
  kind: 'error'
  error: string
  message: string | undefined
}

/** A message of a type that this code does not know: to be passed over, as the protocol says. */
export interface UnknownFrame {
  kind: 'unknown'
  type: string
}

export type Frame =
  | CommitFrame
  | SyncFrame
  | IdentityFrame
  | AccountFrame
  | InfoFrame
  | ErrorFrame
  | UnknownFrame

export type FrameKind = Frame['kind']

/** What one needs to know of a frame to route it. */
export interface FramePeek {
  kind: FrameKind
  /** 0 for kinds that have none. */
  seq: number
  /** Empty for kinds that have none. */
  did: string
  /** The rev of a commit or #sync; otherwise empty. */
  rev: string
  /** When it was sent, as the sender says; not checked. Empty for kinds that have none. */
  time: string
}
