import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { StorageError, toStorageError } from './errors.ts'

/**
 * Claims a folder for this process until it is disposed of or the process ends, however it ends: the system drops the lock,
 * so there is no stale file to clear away. The claim is SQLite's lock on `lock.sqlite` in the folder, which is created.
 *
 * @throws {StorageError} `busy` where another process has it; `readonly`, `full` or `io` where the folder cannot be written
 */
export function lockFolder(folder: string): Disposable {
  const path = join(folder, 'lock.sqlite')
  let db: BetterSqlite3.Database | undefined
  try {
    mkdirSync(folder, { recursive: true })
    db = new BetterSqlite3(path, { timeout: 0 })
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    const storageError = toStorageError(error, `claim the folder ${folder}`, path)
    if (storageError.code !== 'busy') throw storageError
    throw new StorageError(
      'busy',
      `another process works on ${folder}. Stop it, or give this one a folder of its own (--data-dir).`,
      { path, cause: error },
    )
  }
  const claimed = db
  return { [Symbol.dispose]: () => claimed.close() }
}
