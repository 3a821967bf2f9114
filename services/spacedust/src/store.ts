import type { Progress } from '@orrery/firehose'
import type { HubLog } from '@orrery/server'
import type { RecordLink } from './store/versions.ts'

/** What happened to a record or an account. */
export type Change =
  | {
      kind: 'put'
      did: string
      collection: string
      rkey: string
      rev: string
      links: RecordLink[]
      /** To be kept with the links, for who asks for it. */
      body?: RecordBody | undefined
    }
  | { kind: 'delete'; did: string; collection: string; rkey: string; rev: string }
  /** All that an account linked to is gone. */
  | { kind: 'delete_account'; did: string }

/** A version of a record. */
export interface RecordBody {
  cid: string
  /** The record as JSON. */
  json: string
}

/** What an append did. */
export interface Appended {
  /** Entries in the log that came of it. */
  entries: number
  /** Versions of records that were undone while they were held. */
  undone: number
  /** Whether links of deleted accounts are still to be told as gone: append again, if only nothing. */
  isMoreLeft: boolean
}

/** Microseconds since 1970. */
export interface RetainBefore {
  logUs: number
  /** What records link to. */
  recordsUs: number
  /** Records themselves. */
  bodiesUs: number
}

/**
 * The durable, ordered log of links, and what each record links to. Both streams are views of it: the delayed one ends the
 * delay ago and lacks what was undone within it, so what is held is safe, and its replay is what live subscribers got.
 */
export interface LinkLog extends AsyncDisposable {
  /** Every link as it is seen. */
  readonly instant: HubLog
  /** What stood for the delay. It grows by `release`. */
  readonly delayed: HubLog
  /** Entries that are held. */
  readonly held: number
  readonly memoryBytes: number
  /**
   * Commits changes together with upstream's progress; resolves when they are safe, and visible on the instant stream from
   * then on. One at a time.
   *
   * @throws (rejects) StorageError; on `full` nothing was stored, and the same call may be made again
   */
  append(changes: readonly Change[], progress: Progress | undefined): Promise<Appended>
  /** Lets out what was held for the delay. True where something came out. */
  release(): boolean
  /** When something is to be let out next, microseconds by the log's clock; undefined where nothing is held. */
  readonly nextReleaseUs: number | undefined
  /** The records that entries at these places are of, as far as they are kept; those of links that are gone never are. */
  bodies(positions: readonly number[]): Promise<(RecordBody | undefined)[]>
  /** Forgets what is older. */
  retain(before: RetainBefore): Promise<void>
}
