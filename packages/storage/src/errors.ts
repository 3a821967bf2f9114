/**
 * What went wrong, as far as the next step depends on it:
 *
 * | code | what | next step |
 * |---|---|---|
 * | `full` | no room left on the disk, or a page limit was reached | free space, start again |
 * | `corrupt` | the bytes are not a sound database | stop; restore a backup |
 * | `readonly` | the file, its folder or the disk cannot be written to | fix permissions or the mount |
 * | `busy` | another process holds the lock for longer than the busy timeout | stop the other process |
 * | `io` | the disk or the file system failed, or the file cannot be opened | look at the disk |
 * | `missing` | a file that must exist does not | check the path |
 * | `migration` | the schema and this code do not belong together | see the message |
 * | `thread` | the thread that owns a store ended, or was asked to work after its end | start the process again |
 * | `other` | none of these; `cause` says what | see `cause` |
 */
export type StorageErrorCode = SqliteErrorKind | 'missing' | 'migration' | 'thread'

/** What {@link classifySqliteError} tells apart. */
export type SqliteErrorKind = 'full' | 'corrupt' | 'readonly' | 'busy' | 'io' | 'other'

/** The one error of this package. The message says what to do next; `cause` is the error underneath, if there is one. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  /** The database file or folder, where the error concerns one. */
  readonly path: string | undefined

  constructor(code: StorageErrorCode, message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.path = options.path
  }
}

/** What kind of failure an error is, and one sentence for the operator on what to do next. */
export type SqliteErrorClass = { kind: SqliteErrorKind; advice: string }

const advice: Record<SqliteErrorKind, string> = {
  full: 'The disk is full. Free some space or move the data folder, then start again; what was committed is safe.',
  corrupt:
    'The file is damaged or is not a database. Stop, keep a copy of it, and restore a backup; do not delete its -wal file.',
  readonly:
    'It cannot be written to. Check its owner and permissions, and that the disk is not mounted read-only.',
  busy: 'Another process holds the lock. Is the service running twice on this data folder? Stop the other one.',
  io: 'The file cannot be opened, read or written. Check the path, its permissions and the health of the disk.',
  other: 'This is not a failure of the disk; the cause tells more.',
}

/** Codes of the operating system, as `node:fs` reports them. */
const systemCodes: Record<string, SqliteErrorKind> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EROFS: 'readonly',
  EACCES: 'readonly',
  EPERM: 'readonly',
  EIO: 'io',
  ENOTDIR: 'io',
  EEXIST: 'io',
  EISDIR: 'io',
  ENOENT: 'io',
  EMFILE: 'io',
  ENFILE: 'io',
}

/** SQLite's primary result codes; an extended code (`SQLITE_IOERR_WRITE`) starts with its primary one. */
const sqliteCodes: readonly (readonly [prefix: string, kind: SqliteErrorKind])[] = [
  ['SQLITE_FULL', 'full'],
  // The shared-memory file of the WAL could not grow: in practice always a full disk, which SQLite reports as I/O.
  ['SQLITE_IOERR_SHMSIZE', 'full'],
  ['SQLITE_CORRUPT', 'corrupt'],
  ['SQLITE_NOTADB', 'corrupt'],
  ['SQLITE_IOERR_CORRUPTFS', 'corrupt'],
  ['SQLITE_READONLY', 'readonly'],
  ['SQLITE_PERM', 'readonly'],
  ['SQLITE_BUSY', 'busy'],
  ['SQLITE_LOCKED', 'busy'],
  ['SQLITE_PROTOCOL', 'busy'],
  ['SQLITE_IOERR', 'io'],
  ['SQLITE_CANTOPEN', 'io'],
  ['SQLITE_NOLFS', 'io'],
]

/**
 * Sorts an error of SQLite or of the file system by what the operator must do about it. Works by `code`, so also on
 * an error that crossed a thread. Never throws; what it does not know is `other`.
 */
export function classifySqliteError(error: unknown): SqliteErrorClass {
  const kind = kindOf(error)
  return { kind, advice: advice[kind] }
}

function kindOf(error: unknown): SqliteErrorKind {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code in advice) return code as SqliteErrorKind
  return systemCodes[code] ?? sqliteCodes.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'other'
}

/**
 * Wraps any error as a {@link StorageError} that names what was being done and what to do next. An error that is one
 * already is handed back as it is.
 *
 * @param doing completes "could not …", for instance `open /data/log.sqlite`
 */
export function toStorageError(error: unknown, doing: string, path?: string): StorageError {
  if (error instanceof StorageError) return error
  const { kind, advice: nextStep } = classifySqliteError(error)
  const reason = error instanceof Error ? error.message : String(error)
  return new StorageError(kind, `could not ${doing}: ${reason}. ${nextStep}`, {
    ...(path === undefined ? {} : { path }),
    cause: error,
  })
}
