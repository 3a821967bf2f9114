import type { Progress } from '@orrery/firehose'
import type { Window } from './time.ts'

// What the store takes and answers, whatever keeps it. `store/memory.ts` is the plain executable spec, with sets and
// arrays, `store/sqlite.ts` the one that runs; one contract suite holds both.

/** What happened, as the store takes it. Applied in order. */
export type Change =
  /** A record was created or updated. It is a sample from then on, and what was one of it before is none any more. */
  | {
      kind: 'create' | 'update'
      did: string
      collection: string
      rkey: string
      rev: string
      cid: string
      /** In UTF-8; null for one that is too large to be a sample. */
      json: Uint8Array | null
      /** When it happened, microseconds since 1970: the hour that it counts in. */
      timeUs: number
    }
  | { kind: 'delete'; did: string; collection: string; rkey: string; timeUs: number }
  /** The account is gone, or not to be shown: its samples so far are none any more. Counts stay as they are. */
  | { kind: 'remove_account'; did: string }

/** Events, and how many accounts caused them: exactly up to 128, then an estimate with a standard error of 0.81 %. */
export interface Counts {
  creates: number
  updates: number
  deletes: number
  dids: number
}

/** When events of a collection were first and last seen, in microseconds since 1970, by the time of the events. */
export interface Seen {
  firstUs: number
  lastUs: number
}

export interface CollectionCounts extends Counts, Seen {
  nsid: string
}

/** A part of a group of NSIDs: a collection of it, or a group in it. */
export type Child = CollectionCounts & { type: 'collection' | 'prefix' }

/** What lists can be ordered by, the most first. Who has nothing of it is not in the list. */
export const orders = ['creates', 'updates', 'deletes', 'dids'] as const
export type Order = (typeof orders)[number]

/** A window of time; undefined is all of it, the hour that is under way included. */
export type MaybeWindow = Window | undefined

export interface PrefixQuery {
  /** At least two segments, without a dot at the end. */
  prefix: string
  window: MaybeWindow
  limit: number
  /** In this order, from its beginning; else by name. */
  order?: Order | undefined
  /** By name: behind which child to go on. */
  after?: Pick<Child, 'nsid' | 'type'> | undefined
}

export interface PrefixAnswer {
  /** Of everything under the prefix, each account once; the collection that is named like the prefix is not under it. */
  total: Counts
  children: Child[]
  /** Whether there are children behind these. */
  isMore: boolean
}

export interface Match extends CollectionCounts {
  /** How many of the terms are in it. */
  terms: number
}

export interface Trend extends CollectionCounts {
  /** Of the window of the same length before. */
  before: Counts
  /** How many times as many accounts there are at least, as far as numbers of this size can tell: the low end of 95 %. */
  atLeast: number
}

export interface Sample {
  did: string
  collection: string
  rkey: string
  rev: string
  cid: string
  isUpdate: boolean
  timeUs: number
  /** Rises with every sample, so that those of one time have an order. */
  seq: number
  json: string
}

export interface StoreStats extends Counts {
  collections: number
  /** Events of collections beyond the largest number of them: counted as if they were one. */
  other: Counts
  /** Samples, and what they take: bytes of JSON, and 200 for each. */
  samples: number
  sampleBytes: number
  /** When the database was made, microseconds since 1970. */
  startedAtUs: number
  /** The newest time of an event; null before the first. */
  latestUs: number | null
  diskBytes: number
}

export interface UfosReader {
  stats(): Promise<StoreStats>
  /** In the order of the NSIDs asked for; nothing but zeros for one that is not known. */
  counts(nsids: readonly string[], window: MaybeWindow): Promise<Counts[]>
  /** By NSID, in byte order, behind `after`; only those with events in the window. */
  list(query: { window: MaybeWindow; limit: number; after?: string | undefined }): Promise<CollectionCounts[]>
  /** The most first; ties by NSID. */
  ranked(query: { window: MaybeWindow; limit: number; order: Order }): Promise<CollectionCounts[]>
  prefix(query: PrefixQuery): Promise<PrefixAnswer>
  /** The counts of each window; of one collection, or of everything. The windows rise and do not overlap. */
  series(query: { nsid: string | undefined; windows: readonly Window[] }): Promise<Counts[]>
  /** Collections whose NSID has some of the terms in it, in whatever case: those with more of them first, then those with more accounts. */
  search(query: { terms: readonly string[]; limit: number }): Promise<Match[]>
  /** Collections with more accounts than in the window before: the surest growth first, and only where growth is sure. */
  trending(query: { window: Window; limit: number; minDids: number }): Promise<Trend[]>
  /** The newest samples of these collections together, at most `limit` of each, newest first. */
  samples(query: {
    collections: readonly string[]
    limit: number
    /** Only those before this one, in that order. */
    before?: Pick<Sample, 'timeUs' | 'seq'> | undefined
    /** About how much JSON there may be together; the list ends where one of its collections would have too much. */
    maxBytes?: number | undefined
  }): Promise<Sample[]>
  /** The NSIDs with the newest events, newest first. */
  active(limit: number): Promise<string[]>
}

/** Changes that are put aside one by one, in the form in which they go to the store: who calls need not keep them. */
export interface ChangeBatch {
  add(change: Change): void
}

export interface UfosWriter extends AsyncDisposable {
  /** An empty batch. */
  batch(): ChangeBatch
  /**
   * Applies changes, a list or a batch of this writer, and keeps the progress with them in one transaction; readers see them
   * when it resolves. A batch is empty then, and may be used again.
   *
   * @throws StorageError `full` where there is no room; then nothing was applied, and the same may be tried again
   */
  apply(changes: readonly Change[] | ChangeBatch, progress: Progress): Promise<void>
  /**
   * Does a bounded step of what can wait, none of which a reader sees. False when there is nothing more to do.
   *
   * @throws StorageError `full` where there is no room; it is tried again with the next call
   */
  tidy(): Promise<boolean>
}

/** How many live samples each collection keeps, the newest. */
export const samplesKept = 512

/** How many there may be until the oldest are let go of, down to those that are kept: an eighth more. */
export function mostSamples(kept: number): number {
  return kept + Math.floor(kept / 8)
}

export const noCounts: Readonly<Counts> = { creates: 0, updates: 0, deletes: 0, dids: 0 }
