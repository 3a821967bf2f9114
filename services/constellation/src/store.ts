import type { Progress } from '@orrery/firehose'

// What the index answers and takes, whatever keeps it. `store/memory.ts` is the plain executable spec, `store/sqlite.ts`
// the one that runs; one contract suite holds both.
//
// Texts are any well-formed strings, kept and compared exactly as they are; where they are put in order, it is that of
// their UTF-8 bytes.

/** Where links come from: a collection, and the path in its records, as extracted (`.subject.uri`, with its dot). */
export interface Source {
  collection: string
  path: string
}

/** One link of a record, in document order; the target is normalised text. */
export interface Link {
  path: string
  target: string
}

export interface RecordKey {
  did: string
  collection: string
  rkey: string
}

/**
 * A place in the index: the record's `seq`, which is given when it is put and rises for ever, and which of all its links
 * this is, in document order. "Newest" means highest. A record that is put anew gets a new `seq`: it moves to the top.
 * Whole numbers from 0. A place stays good when what was there is gone, and one where nothing ever was is good too.
 */
export interface Position {
  seq: number
  link: number
}

/**
 * What happened, as the index takes it. Applied in order. A put or delete whose `rev` (a TID, or empty) is below the newest
 * that was applied of its account is a replay and changes nothing, and so is one at the newest itself when the account was
 * deleted since. A delete that finds nothing counts as applied. An empty `rev` is unknown and always applied. So whole
 * commits may be replayed; account changes have no rev, and must not come again.
 */
export type Change =
  /**
   * The record now holds exactly these links; whatever it held before is gone. Without links this is a delete. A put that
   * equals what is there, at the account's newest `rev`, changes nothing, not even the record's place.
   */
  | { kind: 'put'; record: RecordKey; rev: string; links: readonly Link[] }
  | { kind: 'delete'; record: RecordKey; rev: string }
  /** Hidden accounts stay in every count and are left out of every list. Remembered for accounts without links too. */
  | { kind: 'account'; did: string; active: boolean }
  /**
   * Everything that the account links is gone: from every list at once, from the counts as `tidy` goes on where it is much,
   * across restarts. If the account links again it starts anew, and is not hidden. What links to the account stays.
   */
  | { kind: 'delete_account'; did: string }

/** Changes that are put aside one by one, in the form in which they go to the writer: who calls need not keep them. */
export interface ChangeBatch {
  add(change: Change): void
}

/** Changes in their order: a list, or a batch of the same writer, which is empty from then on. */
export type Changes = readonly Change[] | ChangeBatch

/**
 * Calls may be made before earlier ones are done, and are done in their order. Where one fails, those fail too that were made
 * before this was known.
 */
export interface LinkWriter extends AsyncDisposable {
  /** An empty batch. */
  batch(): ChangeBatch
  /**
   * Takes changes that come before those of the next `apply`, in its transaction: many that are committed together touch
   * each row once. Nobody sees them before.
   *
   * @throws StorageError as `apply` does; then nothing is left of what was gathered, nor where that `apply` fails
   */
  gather(changes: Changes, timeMs: number): Promise<void>
  /**
   * Applies changes and keeps the progress with them in one transaction; visible to readers when it resolves. `timeMs` is
   * when the index takes them in, milliseconds since 1970, kept to the second below: what `since` and `until` go by. Where it is before that of an
   * earlier call, with or without changes, time stands still until it has caught up.
   *
   * @throws StorageError `full` where there is no room; then nothing was applied, and the same may be tried again, with what
   * was gathered for it
   */
  apply(changes: Changes, progress: Progress, timeMs: number): Promise<void>
  /** Does a bounded step of what is left to tidy up. False when there is nothing more to do. */
  tidy(): Promise<boolean>
}

/** Numbers of links and of the DIDs that they come from. Hidden accounts are in both. */
export interface Counts {
  records: number
  distinct: number
}

export interface Page<Item, Cursor = Position> {
  /** As many as the limit, unless nothing is left. */
  items: Item[]
  /** Where the next page goes on; undefined exactly when nothing is left that would be on it now. */
  next: Cursor | undefined
}

/** A list: who links to a target from a source. */
export interface ListKey {
  target: string
  source: Source
}

export interface ListOptions {
  /** At least 1. */
  limit: number
  /** Behind which place to go on, in the list's direction: the `next` of the page before. */
  after?: Position | undefined
}

export interface BacklinksOptions extends ListOptions {
  /** Oldest first instead of newest first. */
  reverse?: boolean | undefined
  /** Links from these accounts only; at most 1,000. Unknown and hidden ones count as nothing; none at all let nothing through. */
  dids?: readonly string[] | undefined
  /** Links that were taken in at or after this time, milliseconds since 1970. */
  since?: number | undefined
  /** Links that were taken in before this time. */
  until?: number | undefined
}

/** A page of links. A record that links twice to the target from this source is there twice, as in its counts. */
export interface Backlinks extends Page<RecordKey> {
  /** Of the list, or of the part of it that the `dids` filter lets through; not narrowed by `since` and `until`. */
  total: Counts
}

export interface JoinKey extends ListKey {
  /** The path, in the same records, of the links to the other side; with its dot. May be the source's own. */
  pathToOther: string
  /** Records of these accounts only; none at all let nothing through. */
  dids?: readonly string[] | undefined
  /** These other sides only; none at all let nothing through. */
  otherTargets?: readonly string[] | undefined
}

/** One pair of a join: a record, and what it links to at `pathToOther`. */
export interface JoinItem {
  record: RecordKey
  otherTarget: string
}

/** Where a list of pairs goes on: behind this link of the subject's list, and this link of its record. */
export interface JoinPosition extends Position {
  other: number
}

/**
 * A group of a join. A record is in the group of its first other side that passes the filter, and in no other; as often as
 * it is in the subject's list.
 */
export interface JoinGroup extends Counts {
  otherTarget: string
}

export interface SourceCounts extends Counts {
  source: Source
}

export interface TargetCounts extends Counts {
  target: string
  source: Source
}

export interface IndexStats {
  /** Accounts that have ever linked and were not deleted. */
  dids: number
  /** (target, source) pairs that were ever linked. */
  targetables: number
  /** Records with at least one link. */
  linkingRecords: number
  links: number
  /** When the index took in its first change of any kind, milliseconds since 1970. */
  startedAt: number | undefined
}

/** What was asked takes long, and as much of the kind as there may be is being worked on. It may be asked again later. */
export class TooBusyError extends Error {
  override readonly name = 'TooBusyError'
}

/**
 * Reads. Each call sees one committed state. Targets are compared as exact text; what is not known answers nothing or
 * zero, never an error. Counts cost the same whatever the size of a list, a page costs its own rows. Lists, pages and joins
 * throw `TooBusyError` where they have to go through very much, and too many others that do are being worked on.
 */
export interface LinkReader extends Disposable {
  /**
   * Names the state that is read now: while it is the same, so is every answer. Undefined where that cannot be told, for
   * instance while a transaction is being committed.
   */
  readonly version: number | undefined
  /** Counts for each key, in order. */
  counts(keys: readonly ListKey[]): Promise<Counts[]>
  /** Newest first, or oldest first with `reverse`; links of hidden accounts are left out. */
  backlinks(key: ListKey, options: BacklinksOptions): Promise<Backlinks>
  /**
   * The accounts that link, each at the place of its oldest link that there is, newest first; hidden ones are left out of
   * the list and counted in `total`. One whose oldest link goes during a walk moves up, and may be missed by it.
   */
  linkingDids(key: ListKey, options: ListOptions): Promise<Page<string> & { total: number }>
  /** Pairs, oldest first. */
  join(
    key: JoinKey,
    options: { limit: number; after?: JoinPosition | undefined },
  ): Promise<Page<JoinItem, JoinPosition>>
  /**
   * Groups in an order that is stable and otherwise any; hidden accounts are left out of their numbers. `after` comes from
   * outside: what was no page's `next` answers some page, not an error.
   */
  joinCounts(
    key: JoinKey,
    options: { limit: number; after?: string | undefined },
  ): Promise<Page<JoinGroup, string>>
  /** Every source that ever linked to a target, also with zero links, in an order that stays. */
  sources(target: string): Promise<SourceCounts[]>
  /** The sources that link now, most records first; equal ones by collection and path. `excluded` are whole collections. */
  sourcesByCount(
    target: string,
    options: { limit: number; after?: SourceCounts | undefined; excludedCollections?: readonly string[] },
  ): Promise<Page<SourceCounts, SourceCounts>>
  /**
   * What is linked to now under an account: its DID, and at-uris with it as their whole authority; in an order that stays, the
   * sources of a target together. `after` is the `next` of a page.
   */
  accountTargets(
    did: string,
    options: { limit: number; after?: Omit<TargetCounts, keyof Counts> | undefined },
  ): Promise<Page<TargetCounts, Omit<TargetCounts, keyof Counts>>>
  /** The links that a record holds, in document order; empty where it holds none, is not known or its account is hidden. */
  forward(record: RecordKey): Promise<Link[]>
  /** Whether anything ever linked to this target, however long gone. */
  knows(target: string): Promise<boolean>
  stats(): Promise<IndexStats>
}
