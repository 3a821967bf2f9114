import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@orrery/storage'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccountChange, Gap, Progress } from '../events.ts'
import { createMemoryProgress } from './memory.ts'
import { createProgressTables, prepareReadProgress, prepareSaveProgress } from './sqlite.ts'
import type { ProgressStore } from './store.ts'

const nothing: Progress = { cursors: [], accounts: [], notices: [], gaps: [] }
const account: AccountChange = { did: 'did:plc:a', rev: '3l', data: 'bafy', active: true, status: undefined }

let folder: string
const open: Database[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-progress-'))
})
afterEach(() => {
  for (const db of open.splice(0)) db.close()
  rmSync(folder, { recursive: true })
})

function database(readonly = false): Database {
  const db = openDatabase(join(folder, 'state.sqlite'), { readonly })
  open.push(db)
  return db
}

interface Implementation {
  store: ProgressStore
  save: (progress: Progress) => void
  gaps: () => Gap[]
}

const implementations: Record<string, () => Implementation> = {
  memory() {
    const progress = createMemoryProgress()
    return { store: progress, save: change => progress.save(change), gaps: () => progress.gaps() }
  },
  SQLite() {
    const writer = database()
    createProgressTables(writer)
    const save = writer.transaction(prepareSaveProgress(writer))
    const store = prepareReadProgress(database(true))
    return { store, save: progress => save.immediate(progress), gaps: () => store.gaps(100).toReversed() }
  },
}

describe.each(Object.keys(implementations))('progress in %s', name => {
  it('is empty at first', () => {
    const { store, gaps } = implementations[name]!()
    expect(store.cursor('wss://a')).toBeUndefined()
    expect(store.account('did:plc:a')).toBeUndefined()
    expect(store.noticed('x')).toBe(false)
    expect(gaps()).toEqual([])
  })

  it('has the newest cursor of each source, up to the largest number', () => {
    const { store, save } = implementations[name]!()
    const cursor = { source: 'wss://a', cursor: 5, time: '2026-07-04T00:00:00Z', seen: [] }
    save({ ...nothing, cursors: [cursor, { ...cursor, source: 'wss://b', cursor: Number.MAX_SAFE_INTEGER }] })
    expect(store.cursor('wss://a')).toEqual(cursor)
    expect(store.cursor('wss://b')?.cursor).toBe(Number.MAX_SAFE_INTEGER)
    const next = { ...cursor, cursor: 4, time: '', seen: ['a "b"', 'é'] }
    save({ ...nothing, cursors: [next] })
    expect(store.cursor('wss://a')).toEqual(next)
  })

  it('has the newest state of each account', () => {
    const { store, save } = implementations[name]!()
    save({ ...nothing, accounts: [account] })
    const { did, ...state } = account
    expect(store.account(did)).toEqual(state)
    save({ ...nothing, accounts: [{ ...account, rev: '3m', active: false, status: 'takendown' }] })
    expect(store.account(did)).toEqual({ rev: '3m', data: 'bafy', active: false, status: 'takendown' })
    expect(store.account('did:plc:b')).toBeUndefined()
  })

  it('has what was noticed, however often', () => {
    const { store, save } = implementations[name]!()
    save({ ...nothing, notices: [{ fingerprint: 'x', seenAt: 1 }] })
    save({ ...nothing, notices: [{ fingerprint: 'x', seenAt: 2 }] })
    expect([store.noticed('x'), store.noticed('y')]).toEqual([true, false])
  })

  it('has every gap', () => {
    const { save, gaps } = implementations[name]!()
    const gap: Gap = { source: 'wss://a', from: '', to: '2026-07-04T00:00:00Z', reason: 'outdated_cursor' }
    save({ ...nothing, gaps: [gap, { ...gap, reason: 'new_source' }] })
    save({ ...nothing, gaps: [gap] })
    expect(gaps()).toEqual([gap, { ...gap, reason: 'new_source' }, gap])
  })
})

describe('progress in memory', () => {
  it('forgets the accounts that were not seen for longest', () => {
    const progress = createMemoryProgress({ maxAccounts: 2 })
    for (const did of ['did:plc:a', 'did:plc:b', 'did:plc:c']) {
      progress.save({ ...nothing, accounts: [{ ...account, did }] })
    }
    expect(progress.account('did:plc:a')).toBeUndefined()
    expect(progress.account('did:plc:c')).toBeDefined()
  })
})

describe('progress in SQLite', () => {
  it('journals accounts where it is to, and moves them to their table later', () => {
    const { store, save } = implementations.SQLite!()
    const { did, ...state } = account
    const settling = { generation: 4, accounts: [], done: undefined }
    expect(store.journal()).toEqual({ generation: 0, accounts: [] })
    save({ ...nothing, accounts: [account], settling })
    save({ ...nothing, accounts: [{ ...account, status: 'x' }], settling: { ...settling, generation: 5 } })
    expect(store.account(did)).toBeUndefined()
    expect(store.journal()).toEqual({ generation: 5, accounts: [account, { ...account, status: 'x' }] })
    save({ ...nothing, settling: { generation: 5, accounts: [account], done: 4 } })
    expect(store.account(did)).toEqual(state)
    expect(store.journal()).toEqual({ generation: 5, accounts: [{ ...account, status: 'x' }] })
  })

  it('is there after a restart, and its tables may be made again', () => {
    const { save } = implementations.SQLite!()
    save({ ...nothing, accounts: [account] })
    for (const db of open.splice(0)) db.close()
    const again = implementations.SQLite!()
    expect(again.store.account('did:plc:a')).toBeDefined()
  })

  it('is seen by readers when its transaction ends, and not at all when that fails', () => {
    const writer = database()
    createProgressTables(writer)
    const save = prepareSaveProgress(writer)
    const store = prepareReadProgress(database(true))
    const failing = writer.transaction(() => {
      save({ ...nothing, accounts: [account] })
      expect(store.account('did:plc:a')).toBeUndefined()
      throw new Error('the data cannot be stored')
    })
    expect(() => failing()).toThrow('the data cannot be stored')
    expect(store.account('did:plc:a')).toBeUndefined()
  })

  it('forgets after four days what was noticed, a little at a time', () => {
    const { store, save } = implementations.SQLite!()
    const day = 24 * 3_600_000
    const old = Array.from({ length: 150 }, (_, i) => ({ fingerprint: `old${i}`, seenAt: 0 }))
    save({ ...nothing, notices: old })
    const left = (): number => old.filter(({ fingerprint }) => store.noticed(fingerprint)).length
    save({ ...nothing, notices: [{ fingerprint: 'a', seenAt: 4 * day - 1 }] })
    expect(left()).toBe(150)
    save({ ...nothing, notices: [{ fingerprint: 'b', seenAt: 4 * day + 1 }] })
    expect(left()).toBe(50)
    save({ ...nothing, notices: [{ fingerprint: 'c', seenAt: 4 * day + 1 }] })
    expect(left()).toBe(0)
    expect(store.noticed('a')).toBe(true)
  })

  it('tells the newest gaps first', () => {
    const { save } = implementations.SQLite!()
    const gap: Gap = { source: 'wss://a', from: '', to: '', reason: 'outdated_cursor' }
    save({ ...nothing, gaps: [gap, { ...gap, to: '2' }, { ...gap, to: '3' }] })
    expect(
      prepareReadProgress(database(true))
        .gaps(2)
        .map(({ to }) => to),
    ).toEqual(['3', '2'])
  })

  it('finds everything by an index', () => {
    const db = database()
    createProgressTables(db)
    const plan = (sql: string): string =>
      db
        .prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => detail)
        .join('; ')
    expect(plan(`SELECT 1 FROM upstream_accounts WHERE did = 'x'`)).toContain('SEARCH')
    expect(plan(`SELECT 1 FROM upstream_notices WHERE fingerprint = 'x'`)).toContain('SEARCH')
    expect(
      plan(`SELECT fingerprint FROM upstream_notices WHERE seen_at < 5 ORDER BY seen_at LIMIT 100`),
    ).toMatch(/^SEARCH .*upstream_notices_by_age/)
  })
})
