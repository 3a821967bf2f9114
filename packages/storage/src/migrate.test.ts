import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, describe, expect, it } from 'vitest'

import { openDatabase } from './database.ts'
import type { Database } from './database.ts'
import { loadMigrations, migrate } from './migrate.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-migrate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const first = { version: 1, name: 'first', sql: 'CREATE TABLE a (x); INSERT INTO a VALUES (1)' }
const second = { version: 2, name: 'second', sql: 'ALTER TABLE a ADD COLUMN y' }
const third = { version: 3, name: 'third', sql: 'CREATE TABLE c (z)' }

const version = (db: Database): unknown => db.pragma('user_version', { simple: true })
const tables = (db: Database): unknown =>
  db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()

function folderWith(name: string, files: Record<string, string>): URL {
  const path = join(folder, name)
  mkdirSync(path)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  return pathToFileURL(path)
}

describe('migrate', () => {
  it('applies what is pending, once, in order', () => {
    const db = openDatabase(join(folder, 'steps.sqlite'))
    expect(migrate(db, [second, first])).toEqual({ from: 0, to: 2, applied: ['first', 'second'] })
    expect(migrate(db, [first, second])).toEqual({ from: 2, to: 2, applied: [] })
    expect(migrate(db, [first, second, third])).toEqual({ from: 2, to: 3, applied: ['third'] })
    expect(db.prepare('SELECT x, y FROM a').all()).toEqual([{ x: 1, y: null }])
    db.close()
  })

  it('applies all or nothing', () => {
    const db = openDatabase(join(folder, 'atomic.sqlite'))
    const broken = { version: 3, name: 'broken', sql: 'CREATE TABLE c (z); INSERT INTO nowhere VALUES (1)' }
    expect(() => migrate(db, [first, second, broken])).toThrow(
      /apply migration 3 "broken".*no such table: nowhere/,
    )
    expect(version(db)).toBe(0)
    expect(tables(db)).toEqual([])
    db.close()
  })

  it('refuses a database that is newer than the code', () => {
    const db = openDatabase(join(folder, 'newer.sqlite'))
    migrate(db, [first, second])
    expect(() => migrate(db, [first])).toThrow(
      expect.objectContaining({
        code: 'migration',
        message: expect.stringMatching(
          /schema version 2, but .* knows only 1\. Run the newer software/,
        ) as string,
      }) as Error,
    )
    expect(version(db)).toBe(2)
    db.close()
  })

  it.each([
    ['a gap', [first, third], 'has the number 3 where 2 is expected'],
    ['a start above 1', [second], 'has the number 2 where 1 is expected'],
    [
      'a duplicate',
      [first, second, { ...third, version: 2 }],
      'two migrations have the number 2: "second" and "third"',
    ],
    ['a number that is not whole', [{ ...first, version: 1.5 }], 'has the number 1.5 where 1 is expected'],
  ])('refuses %s', (_what, migrations, message) => {
    const db = openDatabase(':memory:')
    expect(() => migrate(db, migrations)).toThrow(message)
    expect(version(db)).toBe(0)
    db.close()
  })

  it('refuses a migration that ends the transaction', () => {
    const db = openDatabase(':memory:')
    expect(() => migrate(db, [{ ...first, sql: 'CREATE TABLE a (x); COMMIT' }])).toThrow(
      'ended the transaction',
    )
    db.close()
  })

  it('locks out other writers before it looks at the version', () => {
    const path = join(folder, 'locks.sqlite')
    const one = openDatabase(path)
    const two = openDatabase(path, { busyTimeoutMs: 1 })
    const curious = {
      ...first,
      get sql() {
        // Read when the migration is applied, that is, before its first statement.
        expect(() => two.exec('BEGIN IMMEDIATE')).toThrow('locked')
        return first.sql
      },
    }
    expect(migrate(one, [curious]).applied).toEqual(['first'])
    one.close()
    two.close()
  })

  it('waits for another process that migrates, and then has nothing to do', () => {
    const path = join(folder, 'together.sqlite')
    const one = openDatabase(path)
    const two = openDatabase(path, { busyTimeoutMs: 1 })
    one.exec('BEGIN IMMEDIATE')
    expect(() => migrate(two, [first])).toThrow(expect.objectContaining({ code: 'busy' }) as Error)
    one.exec('COMMIT')
    migrate(one, [first])
    expect(migrate(two, [first]).applied).toEqual([])
    one.close()
    two.close()
  })
})

describe('loadMigrations', () => {
  it('reads a folder in order, whatever else lies in it', () => {
    const url = folderWith('good', {
      '0002-add-index.sql': 'two',
      '0001-first.sql': 'one',
      'README.md': 'about these',
    })
    const expected = [
      { version: 1, name: 'first', sql: 'one' },
      { version: 2, name: 'add-index', sql: 'two' },
    ]
    expect(loadMigrations(url)).toEqual(expected)
    expect(loadMigrations(new URL(`${url.href}/`))).toEqual(expected)
  })

  it('refuses a name that does not fit, and gaps', () => {
    expect(() => loadMigrations(folderWith('named', { '1-first.sql': '' }))).toThrow('not "1-first.sql"')
    expect(() => loadMigrations(folderWith('gap', { '0002-second.sql': '' }))).toThrow('where 1 is expected')
    expect(() => loadMigrations(folderWith('twice', { '0001-a.sql': '', '0001-b.sql': '' }))).toThrow(
      'two migrations',
    )
  })

  it('says so when there is no folder', () => {
    expect(() => loadMigrations(pathToFileURL(join(folder, 'nowhere')))).toThrow('no folder of migrations')
  })
})
