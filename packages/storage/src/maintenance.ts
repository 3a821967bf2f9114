import type { Database } from './database.ts'
import { classifySqliteError, toStorageError } from './errors.ts'

/** What a checkpoint did. `complete` is false when a reader still needs pages of the WAL: try again later. */
export type CheckpointResult = { complete: boolean; walPages: number; movedPages: number }

/**
 * Moves committed pages from the WAL into the database file, and cuts the WAL to nothing when all could be moved. Waits
 * for readers no longer than the busy timeout. Call it on the writer, at a quiet moment.
 *
 * @throws {StorageError} `full`, `io`, …
 */
export function checkpoint(db: Database): CheckpointResult {
  try {
    const [row] = db.pragma('wal_checkpoint(TRUNCATE)') as {
      busy: number
      log: number
      checkpointed: number
    }[]
    return { complete: row?.busy === 0, walPages: row?.log ?? 0, movedPages: row?.checkpointed ?? 0 }
  } catch (error) {
    throw toStorageError(error, `checkpoint ${db.name}`, db.name)
  }
}

/**
 * Checks the structure of every page (SQLite's `quick_check`) and answers the problems found, none when it is sound. Reads the
 * whole file: seconds a gigabyte, so not for every start.
 *
 * @throws {StorageError} when the check cannot be made for another reason than corruption
 */
export function integrityCheck(db: Database): string[] {
  try {
    const rows = db.pragma('quick_check(20)') as { quick_check: string }[]
    return rows.map(row => row.quick_check).filter(line => line !== 'ok')
  } catch (error) {
    // Damage to the schema itself makes the check fail instead of report.
    if (classifySqliteError(error).kind === 'corrupt') return [(error as Error).message]
    throw toStorageError(error, `check ${db.name}`, db.name)
  }
}
