import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import type { Database } from './database.ts'
import { StorageError, toStorageError } from './errors.ts'

/** One step of a schema. Once released, a migration is never edited: a correction is a new one. */
export type Migration = {
  /** 1, 2, 3, … without gaps. */
  version: number
  /** For people, in errors and logs. */
  name: string
  /** Any statements except BEGIN, COMMIT and ROLLBACK. */
  sql: string
}

/** What {@link migrate} did: from which version to which, and the names of what it applied. */
export type MigrationResult = { from: number; to: number; applied: string[] }

/**
 * Brings a database to the newest schema. All that is pending runs in one immediate transaction, with `user_version` set
 * in it: it happens whole or not at all, also when the process dies, and two processes that start together do it once.
 *
 * @throws {StorageError} `migration` when the numbering has gaps or duplicates, when the database is newer than the
 *   code, or when a migration ends the transaction itself; else the kind of the SQLite error, naming the migration
 */
export function migrate(db: Database, migrations: readonly Migration[]): MigrationResult {
  const ordered = inOrder(migrations)
  const run = db.transaction((): MigrationResult => {
    // Read inside the transaction: another process may have migrated while this one waited for the lock.
    const from = db.pragma('user_version', { simple: true }) as number
    const to = ordered.length
    if (from > to) {
      throw new StorageError(
        'migration',
        `the database ${db.name} has schema version ${from}, but this version of the software knows only ${to}. ` +
          'Run the newer software again, or restore a backup from before the upgrade.',
        { path: db.name },
      )
    }
    const pending = ordered.slice(from)
    for (const migration of pending) apply(db, migration)
    if (pending.length > 0) db.pragma(`user_version = ${to}`)
    return { from, to, applied: pending.map(migration => migration.name) }
  })
  try {
    return run.immediate()
  } catch (error) {
    throw toStorageError(error, `migrate the database ${db.name}`, db.name)
  }
}

/**
 * Reads the migrations of a folder: files named `0001-what-it-does.sql`, in order of their number. Files that do not
 * end in `.sql` are ignored.
 *
 * @throws {StorageError} `missing` when there is no such folder, `migration` on a `.sql` file with another kind of name,
 *   or on gaps and duplicates in the numbers
 */
export function loadMigrations(folder: URL): Migration[] {
  const path = fileURLToPath(folder)
  let files: string[]
  try {
    files = readdirSync(folder)
  } catch (error) {
    throw new StorageError('missing', `there is no folder of migrations at ${path}`, { path, cause: error })
  }
  // A folder's URL without the final slash would resolve its files against the parent.
  const base = folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`)
  return inOrder(
    files
      .filter(file => file.endsWith('.sql'))
      .map(file => {
        const [, number, name] = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file) ?? []
        if (number === undefined || name === undefined) {
          throw new StorageError(
            'migration',
            `a migration is named like 0001-what-it-does.sql, not "${file}"`,
            { path },
          )
        }
        return { version: Number(number), name, sql: readFileSync(new URL(file, base), 'utf8') }
      }),
  )
}

function inOrder(migrations: readonly Migration[]): Migration[] {
  const ordered = migrations.toSorted((a, b) => a.version - b.version)
  for (const [i, { version, name }] of ordered.entries()) {
    const previous = ordered[i - 1]
    if (previous?.version === version) {
      throw new StorageError(
        'migration',
        `two migrations have the number ${version}: "${previous.name}" and "${name}"`,
      )
    }
    if (version !== i + 1) {
      throw new StorageError(
        'migration',
        `migration "${name}" has the number ${version} where ${i + 1} is expected`,
      )
    }
  }
  return ordered
}

function apply(db: Database, { version, name, sql }: Migration): void {
  try {
    db.exec(sql)
  } catch (error) {
    throw toStorageError(error, `apply migration ${version} "${name}" to ${db.name}`, db.name)
  }
  if (!db.inTransaction) {
    throw new StorageError(
      'migration',
      `migration ${version} "${name}" ended the transaction it runs in; take BEGIN, COMMIT and ROLLBACK out of it`,
      { path: db.name },
    )
  }
}
