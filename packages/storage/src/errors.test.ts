import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { openDatabase } from './database.ts'
import { classifySqliteError, StorageError, toStorageError } from './errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-errors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const withCode = (code: string): Error => Object.assign(new Error(code), { code })

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('classifySqliteError, on errors that SQLite really threw', () => {
  it('full: no page left', () => {
    const db = openDatabase(join(folder, 'full.sqlite'))
    db.exec('CREATE TABLE t (x)')
    db.pragma('max_page_count = 10')
    const insert = db.prepare('INSERT INTO t VALUES (?)')
    const error = thrownBy(() => {
      for (let i = 0; i < 100; i++) insert.run('x'.repeat(4_000))
    })
    expect(error).toMatchObject({ code: 'SQLITE_FULL' })
    expect(classifySqliteError(error).kind).toBe('full')
    expect(classifySqliteError(error).advice).toContain('Free some space')
    // Room again: the connection goes on, and what was committed is there.
    const kept = db.prepare<[], number>('SELECT count(*) FROM t').pluck().get()
    db.pragma('max_page_count = 1000')
    insert.run('fits')
    expect(db.prepare<[], number>('SELECT count(*) FROM t').pluck().get()).toBe((kept ?? 0) + 1)
    db.close()
  })

  it('readonly: writing through a reader', () => {
    const path = join(folder, 'readonly.sqlite')
    openDatabase(path).close()
    const db = openDatabase(path, { readonly: true })
    expect(classifySqliteError(thrownBy(() => db.exec('CREATE TABLE t (x)'))).kind).toBe('readonly')
    db.close()
  })

  it('busy: two writers', () => {
    const path = join(folder, 'busy.sqlite')
    const first = openDatabase(path)
    const second = openDatabase(path, { busyTimeoutMs: 1 })
    first.exec('BEGIN IMMEDIATE')
    expect(classifySqliteError(thrownBy(() => second.exec('BEGIN IMMEDIATE'))).kind).toBe('busy')
    first.close()
    second.close()
  })

  it('corrupt: no database at all', () => {
    const path = join(folder, 'junk.sqlite')
    writeFileSync(path, 'junk '.repeat(1_000))
    expect(classifySqliteError(thrownBy(() => openDatabase(path))).kind).toBe('corrupt')
  })

  it('other: a mistake in the SQL', () => {
    const db = openDatabase(':memory:')
    expect(classifySqliteError(thrownBy(() => db.exec('SELEKT 1'))).kind).toBe('other')
    db.close()
  })
})

describe('classifySqliteError, by code', () => {
  it.each([
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['SQLITE_IOERR_SHMSIZE', 'full'],
    ['SQLITE_IOERR_WRITE', 'io'],
    ['SQLITE_CORRUPT_VTAB', 'corrupt'],
    ['SQLITE_READONLY_DIRECTORY', 'readonly'],
    ['EROFS', 'readonly'],
    ['SQLITE_BUSY_SNAPSHOT', 'busy'],
    ['SQLITE_CANTOPEN', 'io'],
    ['SQLITE_CONSTRAINT_UNIQUE', 'other'],
  ])('%s is %s', (code, kind) => {
    expect(classifySqliteError(withCode(code)).kind).toBe(kind)
  })

  it.each([new Error('no code'), 'a string', undefined, { code: 'SQLITE_FULL' }])('%s is other', thrown => {
    expect(classifySqliteError(thrown).kind).toBe('other')
  })

  it('knows its own errors again', () => {
    expect(classifySqliteError(new StorageError('full', 'no room')).kind).toBe('full')
    expect(classifySqliteError(new StorageError('migration', 'gap')).kind).toBe('other')
  })
})

describe('toStorageError', () => {
  it('says what failed, why, and what to do next', () => {
    const cause = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
    const error = toStorageError(cause, 'write the batch', '/data/x.sqlite')
    expect(error).toMatchObject({ name: 'StorageError', code: 'full', path: '/data/x.sqlite', cause })
    expect(error.message).toMatch(
      /^could not write the batch: database or disk is full\. The disk is full\. Free/,
    )
  })

  it('does not wrap twice', () => {
    const error = new StorageError('busy', 'locked')
    expect(toStorageError(error, 'anything')).toBe(error)
  })
})
