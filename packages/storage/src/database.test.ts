import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { openDatabase } from './database.ts'
import type { Database, DatabaseOptions } from './database.ts'
import { StorageError } from './errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-database-'))
afterAll(() => rmSync(folder, { recursive: true }))

const pragma = (db: Database, name: string): unknown => db.pragma(name, { simple: true })

function refusal(path: string, options?: DatabaseOptions): StorageError {
  try {
    openDatabase(path, options).close()
  } catch (error) {
    if (error instanceof StorageError) return error
    throw error
  }
  throw new Error('it opened')
}

describe('openDatabase', () => {
  it('opens every file the same way, and creates its folder', () => {
    const path = join(folder, 'a/b/c.sqlite')
    const db = openDatabase(path)
    expect({
      journal_mode: pragma(db, 'journal_mode'),
      synchronous: pragma(db, 'synchronous'),
      busy_timeout: pragma(db, 'busy_timeout'),
      foreign_keys: pragma(db, 'foreign_keys'),
      temp_store: pragma(db, 'temp_store'),
      cache_size: pragma(db, 'cache_size'),
      mmap_size: pragma(db, 'mmap_size'),
      journal_size_limit: pragma(db, 'journal_size_limit'),
      wal_autocheckpoint: pragma(db, 'wal_autocheckpoint'),
      page_size: pragma(db, 'page_size'),
    }).toEqual({
      journal_mode: 'wal',
      synchronous: 1,
      busy_timeout: 5_000,
      foreign_keys: 1,
      temp_store: 2,
      cache_size: -65_536,
      mmap_size: 0,
      journal_size_limit: 67_108_864,
      wal_autocheckpoint: 1_000,
      page_size: 4_096,
    })
    db.close()
    expect(existsSync(path)).toBe(true)
  })

  it('takes every option', () => {
    const db = openDatabase(join(folder, 'options.sqlite'), {
      durability: 'full',
      busyTimeoutMs: 7,
      cacheBytes: 1024 * 1024,
      mmapBytes: 2 * 1024 * 1024,
      journalLimitBytes: 4_096,
      autoCheckpointPages: 0,
      pageSize: 16_384,
    })
    expect(
      [
        'synchronous',
        'busy_timeout',
        'cache_size',
        'mmap_size',
        'journal_size_limit',
        'wal_autocheckpoint',
        'page_size',
      ].map(name => pragma(db, name)),
    ).toEqual([2, 7, -1_024, 2_097_152, 4_096, 0, 16_384])
    db.close()
  })

  it('keeps the page size of a file that exists', () => {
    const path = join(folder, 'page-size.sqlite')
    openDatabase(path, { pageSize: 8_192 }).close()
    const db = openDatabase(path, { pageSize: 1_024 })
    expect(pragma(db, 'page_size')).toBe(8_192)
    db.close()
  })

  it('enforces foreign keys', () => {
    const db = openDatabase(':memory:')
    db.exec('CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a INTEGER REFERENCES a)')
    expect(() => db.exec('INSERT INTO b VALUES (1)')).toThrow('FOREIGN KEY')
    db.close()
  })

  it('reads what another connection commits meanwhile, and writes nothing when readonly', () => {
    const path = join(folder, 'both.sqlite')
    const writer = openDatabase(path)
    writer.exec('CREATE TABLE t (x)')
    const reader = openDatabase(path, { readonly: true })
    const count = reader.prepare<[], number>('SELECT count(*) FROM t').pluck()
    expect(count.get()).toBe(0)
    writer.exec('INSERT INTO t VALUES (1)')
    expect(count.get()).toBe(1)
    expect(() => reader.exec('INSERT INTO t VALUES (2)')).toThrow('readonly')
    expect(pragma(reader, 'cache_size')).toBe(-16_384)
    writer.close()
    expect(count.get()).toBe(1)
    reader.close()
  })

  it('refuses to read a file that does not exist, and does not create it', () => {
    const path = join(folder, 'none.sqlite')
    expect(refusal(path, { readonly: true })).toMatchObject({ code: 'missing', path })
    expect(existsSync(path)).toBe(false)
  })

  it('refuses a file that is not a database, and leaves it as it was', () => {
    const path = join(folder, 'junk.sqlite')
    writeFileSync(path, 'certainly no database, but long enough to have a header. '.repeat(50))
    const before = readFileSync(path, 'utf8')
    const error = refusal(path)
    expect(error).toMatchObject({ code: 'corrupt', path, cause: { code: 'SQLITE_NOTADB' } })
    expect(error.message).toContain('restore a backup')
    expect(refusal(path, { readonly: true }).code).toBe('corrupt')
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  it('refuses a file that was cut off', () => {
    const path = join(folder, 'cut.sqlite')
    const db = openDatabase(path)
    db.exec('CREATE TABLE t (x)')
    db.close()
    writeFileSync(path, readFileSync(path).subarray(0, 2_000))
    expect(statSync(path).size).toBe(2_000)
    expect(refusal(path).code).toBe('corrupt')
  })

  it('says so when the path leads nowhere a file can be', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(refusal(join(folder, 'file/db.sqlite')).code).toBe('io')
    expect(refusal(folder).code).toBe('io')
  })

  it('refuses sizes that are not whole numbers, before they reach the text of a pragma', () => {
    const error = refusal(join(folder, 'sizes.sqlite'), { cacheBytes: 1.5 })
    expect(error.message).toContain('cacheBytes must be a whole number')
  })
})
