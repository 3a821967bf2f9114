/**
 * What a firehose tells. The same shapes come from a relay and from a Jetstream; what one of the two does not know is
 * undefined.
 */
export type FirehoseEvent = CommitEvent | IdentityEvent | AccountEvent | SyncEvent

interface EventBase {
  did: string
  /** When it was sent, as upstream says: RFC 3339. From a Jetstream commit, which has no such field, it is empty. */
  time: string
  /** Upstream's sequence number; from a Jetstream 0 where the message has none. Not comparable between sources. */
  seq: number
  /** The source that told it first, by name. */
  source: string
  /** A Jetstream's own clock, in microseconds since 1970. */
  timeUs: number | undefined
}

export interface CommitEvent extends EventBase {
  kind: 'commit'
  rev: string
  /** In the order of the commit. Operations that were dropped by themselves are not here. */
  ops: RecordOp[]
  /** What is not known to have come out; undefined where nothing is known to be missing, and from a Jetstream, which does not tell. */
  missing?: Missing | undefined
  /**
   * Whether the signature and the proof were checked here. False under `verify: off`, from a Jetstream, and for a commit
   * whose identity took too long under `verify: timely`.
   */
  verified: boolean
}

/**
 * What of an account did not come out, seen at one of its commits. Whoever keeps what the account has may have something
 * old then, and a state that no events led to.
 *
 * - `before`: it is the first commit that is seen of the account, and what came before it is not known
 * - `commits`: it does not follow on the last one that came out
 * - `operations`: some of its own were dropped
 */
export type Missing = 'before' | 'commits' | 'operations'

export interface RecordOp {
  action: 'create' | 'update' | 'delete'
  collection: string
  rkey: string
  /** The record's CID; null for a delete. */
  cid: string | null
  /** The record as JSON in UTF-8, in the order and escaping of the Jetstream wire; null for a delete. */
  record: Uint8Array | null
}

/** A hint that a DID document may have changed. */
export interface IdentityEvent extends EventBase {
  kind: 'identity'
  handle: string | undefined
}

/** An account's status at the sending host. `active` alone decides whether its records may be shown. */
export interface AccountEvent extends EventBase {
  kind: 'account'
  active: boolean
  status: string | undefined
}

/** The account's repository was set to a state that no operations tell; only relays send it. */
export interface SyncEvent extends EventBase {
  kind: 'sync'
  rev: string
}

/**
 * Events with the position behind them. Save `progress` in the transaction that stores the events, and a crash repeats
 * work but neither loses nor doubles it.
 */
export interface Batch {
  events: FirehoseEvent[]
  progress: Progress
}

/** What must be remembered with a batch. Plain data that may be cloned to another thread; for `saveProgress`. */
export interface Progress {
  cursors: CursorChange[]
  accounts: AccountChange[]
  /** Where it is there, `accounts` need only be journalled, and earlier ones find their place. */
  settling?: Settling | undefined
  notices: Notice[]
  gaps: Gap[]
}

/**
 * How accounts get from a journal into their table. An account's row lies wherever its DID does, so writing each change
 * there at once means writing a page for each; a journal is written to at its end, and later many accounts move at a time,
 * in the table's order, each in the newest of its states.
 */
export interface Settling {
  /** Which part of the journal this batch's accounts belong to; it rises. */
  generation: number
  /** Accounts of earlier batches, none of which changed since: they go to the table now. In the order of their DIDs. */
  accounts: AccountChange[]
  /** Everything that the journal has of this generation and those before is in the table now. */
  done: number | undefined
}

export interface CursorChange {
  /** The source's address without its query. */
  source: string
  /** A relay's sequence number or a Jetstream's `time_us`: everything up to it is in this batch or an earlier one. */
  cursor: number
  /** Upstream's time of the event at the cursor, RFC 3339. */
  time: string
  /** The events at exactly the cursor that are done, by name, for sources where several events share a position. */
  seen: string[]
}

/** An account as the network knows it: what a commit's history and an account's visibility are judged by. */
export interface AccountState {
  /** The rev of its newest verified commit, given out or dropped as the account was inactive; empty before the first. */
  rev: string
  /** The root of its tree then, as CID text; empty where unknown, `passed over` where what led there did not come out. */
  data: string
  active: boolean
  status: string | undefined
}

export interface AccountChange extends AccountState {
  did: string
}

/** The fingerprint of an event that has no rev, kept for a while so that a replay of it is known. */
export interface Notice {
  fingerprint: string
  /** Milliseconds since 1970. */
  seenAt: number
}

/** A span for which a source could not give what happened. It comes with the cursor that passes it. */
export interface Gap {
  source: string
  /** The time of the last event before, RFC 3339; empty where there was none. */
  from: string
  /** The time of the first event behind, RFC 3339. */
  to: string
  reason: 'outdated_cursor' | 'future_cursor' | 'new_source'
}
