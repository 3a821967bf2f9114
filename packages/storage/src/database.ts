import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

import BetterSqlite3 from 'better-sqlite3'

import { StorageError, toStorageError } from './errors.ts'

/** A connection. Belongs to the thread that opened it; close it with `close()`. */
export type Database = BetterSqlite3.Database
/** A prepared statement; the first parameter is the tuple of what it binds, the second the row it answers. */
export type Statement<Bind extends unknown[] = unknown[], Row = unknown> = BetterSqlite3.Statement<Bind, Row>

/** How to open a database; every field has a default that suits a service on a small machine. */
export type DatabaseOptions = {
  /**
   * Opens for reading only: the file must exist, and another thread or process may write to it all the while.
   * Default false. Needs write access to the folder all the same, for the shared-memory file of the WAL.
   */
  readonly?: boolean
  /**
   * What a commit survives. `normal` (default): every crash of the process; a power cut may undo the last commits, never
   * damage the file. `full`: a power cut too, at the price of one fsync a commit; for logs whose content was sent to others.
   */
  durability?: 'normal' | 'full'
  /** How long to wait for another process's lock, in milliseconds. Default 5,000. */
  busyTimeoutMs?: number
  /** Page cache of this connection, in bytes. Default 64 MiB, or 16 MiB when `readonly`: readers share the system's cache. */
  cacheBytes?: number
  /**
   * How much of the file to map into memory, in bytes. Default 0: a failing disk then is an error to handle, where with
   * a mapping it kills the process. Raise it where reads are measured to gain from it.
   */
  mmapBytes?: number
  /** What the WAL file is cut back to after a checkpoint, in bytes. Default 64 MiB. */
  journalLimitBytes?: number
  /** Checkpoint when the WAL has this many pages. Default 1,000; 0 leaves checkpoints to the caller (`checkpoint`). */
  autoCheckpointPages?: number
  /** Page size of a new file: a power of two from 512 to 65,536. Default 4,096. Without effect on a file that exists. */
  pageSize?: number
}

const MIB = 1024 * 1024
const MEMORY = ':memory:'

/**
 * Opens a SQLite file in the one way that this project does: WAL, foreign keys on, temporary tables in memory, and the
 * limits of `options`. Creates the file and its folder unless `readonly`. The file's header is read, so that a file which
 * is not a database is noticed here. `:memory:` is accepted, for tests.
 *
 * @throws {StorageError} `missing`, `corrupt`, `readonly`, `full`, `busy` or `io`, with a message that says what to do next
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const { readonly = false } = options
  if (readonly && !existsSync(path)) {
    throw new StorageError(
      'missing',
      `there is no database at ${path} to read. Has its writer been started once?`,
      { path },
    )
  }
  let db: Database | undefined
  try {
    if (!readonly && path !== MEMORY) mkdirSync(dirname(path), { recursive: true })
    db = new BetterSqlite3(path, {
      readonly,
      fileMustExist: readonly,
      timeout: options.busyTimeoutMs ?? 5_000,
    })
    configure(db, path, options)
    return db
  } catch (error) {
    db?.close()
    throw toStorageError(error, `open the database ${path}`, path)
  }
}

function configure(db: Database, path: string, options: DatabaseOptions): void {
  const { readonly = false } = options
  if (!readonly) {
    // Only a file without pages takes a page size, and only before the switch to WAL.
    db.pragma(`page_size = ${integer('pageSize', options.pageSize ?? 4_096)}`)
    const mode = db.pragma('journal_mode = WAL', { simple: true })
    if (mode !== 'wal' && path !== MEMORY) {
      throw new StorageError(
        'io',
        `${path} cannot be used in WAL mode (it is in "${String(mode)}" mode). Is it on a network disk?`,
        {
          path,
        },
      )
    }
  }
  // SQLite opens lazily: this pragma is the first to read the schema, and so finds out whether the file is a database at all.
  db.pragma(`synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`)
  db.pragma('foreign_keys = ON')
  db.pragma('temp_store = MEMORY')
  // Negative means KiB, positive would mean pages.
  const cacheBytes = integer('cacheBytes', options.cacheBytes ?? (readonly ? 16 : 64) * MIB)
  db.pragma(`cache_size = ${-Math.ceil((cacheBytes * cacheShare()) / 1024)}`)
  db.pragma(`mmap_size = ${integer('mmapBytes', options.mmapBytes ?? 0)}`)
  db.pragma(`journal_size_limit = ${integer('journalLimitBytes', options.journalLimitBytes ?? 64 * MIB)}`)
  db.pragma(`wal_autocheckpoint = ${integer('autoCheckpointPages', options.autoCheckpointPages ?? 1_000)}`)
}

/**
 * The share of its page caches that this process may have, for machines of little memory: `ORRERY_PAGE_CACHE`, more than 0
 * and up to 1; all of it where that is not set or no such number.
 */
function cacheShare(): number {
  const share = Number(process.env.ORRERY_PAGE_CACHE)
  return share > 0 && share <= 1 ? share : 1
}

/** Pragmas take no bound parameters, so what goes into their text must be a plain whole number. */
function integer(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new RangeError(`${name} must be a whole number of 0 or more; got ${value}`)
}
