import type { Progress } from '@orrery/firehose'

// What the cache keeps and answers, whatever keeps it. `store/memory.ts` is the plain executable spec, `store/sqlite.ts`
// the one that runs; one contract suite holds both.

export interface RecordKey {
  did: string
  collection: string
  rkey: string
}

/** A record in the version that the cache has. */
export interface RecordValue {
  cid: string
  /** The record as JSON in UTF-8. */
  json: Uint8Array
  /** Whether the repository's signature over it was checked here. */
  verified: boolean
}

/**
 * What happened on the network, as the cache takes it. Applied in order. One whose `rev` (a TID) is below the newest that
 * was applied of its account is a replay and changes nothing.
 *
 * One that is not above the time of a fetch (`Fetched.asOfUs`) may be older than what was fetched, and cannot be told
 * from one that is newer: then the record is forgotten, unless it is the version that is there.
 */
export type Change =
  | { kind: 'put'; record: RecordKey; rev: string; value: RecordValue }
  | { kind: 'delete'; record: RecordKey; rev: string }
  /** The record changed to something that is not kept. */
  | { kind: 'forget'; record: RecordKey; rev: string }
  /**
   * Why nothing of the account may be served (`deactivated`, `takendown`, …); null when it may. What is there of an account
   * that comes back is distrusted, as nothing was heard of it meanwhile.
   */
  | { kind: 'account'; did: string; status: string | null }
  /** All of the account is gone: not served any more at once, from the disk as `tidy` goes on. */
  | { kind: 'delete_account'; did: string }
  /** What is there of the account is distrusted: something happened that no event told. */
  | { kind: 'sync'; did: string }
  /** What is there of all accounts is distrusted, with what is known of their status. */
  | { kind: 'gap' }

/**
 * What a PDS said. Must not be put where an event for the record came after it was asked: that is for the caller to see
 * to, who knows which events have come.
 */
export interface Fetched {
  record: RecordKey
  /** Null: there is no such record. */
  value: RecordValue | null
  /** A time of the PDS's clock, in microseconds since 1970: what it said has every commit of a rev above it still to come. */
  asOfUs: number
}

/** What the cache knows of a record: `inactive` before all else. Undefined: nothing that can be trusted. */
export type Found =
  | { kind: 'record'; cid: string; json: string; verified: boolean }
  | { kind: 'deleted' }
  | { kind: 'inactive'; status: string }

export interface RecordWriter extends AsyncDisposable {
  /**
   * Applies changes and keeps the progress with them in one transaction; readers see it when it resolves. Then, while
   * there is more than the budget, what was put longest ago is let go.
   *
   * @throws StorageError `full` where there is no room; then nothing was applied, and the same may be tried again
   */
  apply(changes: readonly Change[], progress: Progress): Promise<void>
  /** Keeps what was fetched. Nothing but its time is kept for an account that is not active. @throws StorageError */
  putFetched(fetched: readonly Fetched[]): Promise<void>
  /** Removes a bounded part of what is left of deleted accounts. False when there is nothing more to do. */
  tidy(): Promise<boolean>
}

export interface RecordReader {
  get(record: RecordKey): Found | undefined
  stats(): StoreStats
}

export interface StoreStats {
  /** Records and tombstones. */
  records: number
  /** Of them, as the budget counts: see {@link sizeOf}. */
  bytes: number
  /** Let go for want of room, since the cache was made. */
  evicted: number
}

export function pathOf({ collection, rkey }: RecordKey): string {
  return `${collection}/${rkey}`
}

/** What a record takes of the budget: about what it takes on disk, where its path is there twice. */
export function sizeOf(record: RecordKey, value: RecordValue | null): number {
  const path = record.collection.length + record.rkey.length + 1
  return 2 * path + (value ? value.json.length + value.cid.length : 0) + 40
}
