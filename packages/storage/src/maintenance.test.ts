import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { openDatabase } from './database.ts'
import type { Database } from './database.ts'
import { checkpoint, integrityCheck } from './maintenance.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-maintenance-'))
afterAll(() => rmSync(folder, { recursive: true }))

function filled(path: string): Database {
  const db = openDatabase(path)
  db.exec('CREATE TABLE t (x)')
  const insert = db.prepare('INSERT INTO t VALUES (?)')
  db.transaction(() => {
    for (let i = 0; i < 200; i++) insert.run('x'.repeat(1_000))
  })()
  return db
}

describe('checkpoint', () => {
  it('empties the WAL', () => {
    const path = join(folder, 'wal.sqlite')
    const db = filled(path)
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(200_000)
    expect(checkpoint(db)).toEqual({ complete: true, walPages: 0, movedPages: 0 })
    expect(statSync(`${path}-wal`).size).toBe(0)
    db.close()
  })

  it('says so when a reader holds it up', () => {
    const path = join(folder, 'held.sqlite')
    filled(path).close()
    const db = openDatabase(path, { busyTimeoutMs: 1 })
    const reader = openDatabase(path, { readonly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM t').get()
    db.exec('DELETE FROM t')
    expect(checkpoint(db).complete).toBe(false)
    reader.close()
    expect(checkpoint(db).complete).toBe(true)
    db.close()
  })
})

describe('integrityCheck', () => {
  it('finds nothing in a sound file', () => {
    const db = filled(join(folder, 'sound.sqlite'))
    expect(integrityCheck(db)).toEqual([])
    db.close()
  })

  it('finds an overwritten page', () => {
    const path = join(folder, 'damaged.sqlite')
    filled(path).close()
    const bytes = readFileSync(path)
    bytes.fill(0xff, 10 * 4_096, 12 * 4_096)
    writeFileSync(path, bytes)
    const db = openDatabase(path)
    expect(integrityCheck(db).length).toBeGreaterThan(0)
    db.close()
  })
})
