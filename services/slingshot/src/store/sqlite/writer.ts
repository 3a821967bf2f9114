import { join } from 'node:path'
import type { Progress } from '@orrery/firehose'
// Not from the package's front door: a thread loads what it imports, and that is half a second of what it does not need.
import { createProgressTables, prepareSaveProgress } from '@orrery/firehose/progress'
import { tidToTimeUs } from '@orrery/repo'
import { migrate, openDatabase } from '@orrery/storage'
import { type Change, type Fetched, pathOf, type RecordKey, type RecordValue, sizeOf } from '../../store.ts'
import { type Account, Accounts } from './accounts.ts'
import { migrations } from './schema.ts'

export interface WriterOptions {
  folder: string
  budgetBytes: number
  /** Page cache, bytes. */
  cacheBytes: number
}

/** What the writer's thread does. Each call is one transaction. */
export interface WriterApi {
  apply(changes: readonly Change[], progress: Progress): void
  putFetched(fetched: readonly Fetched[]): void
  tidy(): boolean
  dispose(): void
}

/** The file of the cache, in its folder. */
export const fileName = 'records.sqlite'

/** Records of a deleted account that are removed in one transaction. */
const recordsPerStep = 1_000

/** How many of the oldest are looked at together when there is too much. */
const evictTogether = 200

interface Totals {
  seq: number
  trusted_from: number
  records: number
  bytes: number
  evicted: number
}

export function openWriter({ folder, budgetBytes, cacheBytes }: WriterOptions): WriterApi {
  // Each record goes to a page of its own in the index: those that many commits touch are moved once for all of them.
  const db = openDatabase(join(folder, fileName), { cacheBytes, autoCheckpointPages: 8_000 })
  migrate(db, migrations)
  createProgressTables(db)
  const saveProgress = prepareSaveProgress(db)
  const accounts = new Accounts(db)
  const readTotals = db.prepare<[], Totals>('SELECT seq, trusted_from, records, bytes, evicted FROM totals')
  const writeTotals = db.prepare<[Totals]>(
    `UPDATE totals SET seq = @seq, trusted_from = @trusted_from, records = @records, bytes = @bytes, evicted = @evicted`,
  )
  // Those of a deleted account that are to go are not there any more.
  const find = db.prepare<[number, string, number], { cid: string | null }>(
    `SELECT cid FROM record WHERE account = ? AND path = ?
       AND seq >= coalesce((SELECT before_seq FROM leaving WHERE account = ?), 0)`,
  )
  const add = db.prepare<[number, number, string, number, number, string | null, Uint8Array | null]>(
    'INSERT OR IGNORE INTO record (seq, account, path, size, verified, cid, json) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const removeOne = db.prepare<[number, string], { size: number }>(
    'DELETE FROM record WHERE account = ? AND path = ? RETURNING size',
  )
  const oldest = db.prepare<[number], { seq: number; size: number }>(
    'SELECT seq, size FROM record ORDER BY seq LIMIT ?',
  )
  const removeUpTo = db.prepare<[number]>('DELETE FROM record WHERE seq <= ?')
  const addLeaving = db.prepare<[number, number]>('INSERT OR REPLACE INTO leaving VALUES (?, ?)')
  const nextLeaving = db.prepare<[], { account: number; before_seq: number }>('SELECT * FROM leaving LIMIT 1')
  const removeLeaving = db.prepare<[number]>('DELETE FROM leaving WHERE account = ?')
  const removeOf = db.prepare<[number, number, number], { size: number }>(
    `DELETE FROM record WHERE seq IN (SELECT seq FROM record WHERE account = ? AND seq < ? LIMIT ?) RETURNING size`,
  )

  let totals = readTotals.get()!

  function remove(account: Account, path: string): void {
    const removed = removeOne.get(account.id, path)
    if (removed) subtract(removed)
  }

  function subtract({ size }: { size: number }): void {
    totals.records--
    totals.bytes -= size
  }

  function put(account: Account, record: RecordKey, value: RecordValue | null): void {
    const path = pathOf(record)
    const size = sizeOf(record, value)
    const isVerified = value?.verified === true ? 1 : 0
    const tryAdd = (): boolean =>
      add.run(++totals.seq, account.id, path, size, isVerified, value?.cid ?? null, value?.json ?? null)
        .changes > 0
    // Most records are new.
    if (!tryAdd()) {
      remove(account, path)
      tryAdd()
    }
    totals.records++
    totals.bytes += size
  }

  function applyToRecord(change: Extract<Change, { record: RecordKey }>): void {
    const { record, rev } = change
    const account = accounts.get(record.did)
    if (rev < account.rev) return
    if (rev > account.rev) accounts.update(account, { rev })
    const mayBeOld = tidToTimeUs(rev) <= account.as_of_us
    if (change.kind === 'forget' || (mayBeOld && !isThere(account, change))) {
      remove(account, pathOf(record))
    } else put(account, record, change.kind === 'put' ? change.value : null)
  }

  /** Whether a change leads to the version that is there. */
  function isThere(account: Account, change: Extract<Change, { kind: 'put' | 'delete' }>): boolean {
    const there = find.get(account.id, pathOf(change.record), account.id)
    return there !== undefined && there.cid === (change.kind === 'put' ? change.value.cid : null)
  }

  function apply(change: Change): void {
    switch (change.kind) {
      case 'gap':
        totals.trusted_from = ++totals.seq
        return
      case 'account': {
        const account = accounts.get(change.did)
        if (account.status !== null && change.status === null) {
          accounts.update(account, { trusted_from: ++totals.seq })
        }
        accounts.update(account, { status: change.status, status_seq: ++totals.seq })
        return
      }
      case 'delete_account': {
        const account = accounts.get(change.did)
        const status_seq = ++totals.seq
        const trusted_from = ++totals.seq
        accounts.update(account, { status: 'deleted', status_seq, trusted_from })
        addLeaving.run(account.id, trusted_from)
        return
      }
      case 'sync':
        accounts.update(accounts.get(change.did), { trusted_from: ++totals.seq })
        return
      case 'put':
      case 'delete':
      case 'forget':
        applyToRecord(change)
    }
  }

  function evict(): void {
    while (totals.bytes > budgetBytes) {
      let last = 0
      for (const row of oldest.all(evictTogether)) {
        if (totals.bytes <= budgetBytes) break
        last = row.seq
        subtract(row)
        totals.evicted++
      }
      if (last === 0) return
      removeUpTo.run(last)
    }
  }

  function removeSome(): boolean {
    const next = nextLeaving.get()
    if (!next) return false
    const removed = removeOf.all(next.account, next.before_seq, recordsPerStep)
    removed.forEach(subtract)
    if (removed.length < recordsPerStep) removeLeaving.run(next.account)
    return true
  }

  /** Does work in a transaction; when it fails, nothing of it stays, here neither. */
  function transact<T>(work: () => T): T {
    try {
      return db
        .transaction(() => {
          const result = work()
          accounts.flush()
          writeTotals.run(totals)
          return result
        })
        .immediate()
    } catch (error) {
      accounts.forget()
      totals = readTotals.get()!
      throw error
    }
  }

  return {
    apply: (changes, progress) =>
      transact(() => {
        for (const change of changes) apply(change)
        removeSome()
        evict()
        saveProgress(progress)
      }),
    putFetched: fetched =>
      transact(() => {
        for (const { record, value, asOfUs } of fetched) {
          const account = accounts.get(record.did)
          if (asOfUs > account.as_of_us) accounts.update(account, { as_of_us: asOfUs })
          if (account.status !== null) continue
          if (value) put(account, record, value)
          else remove(account, pathOf(record))
        }
        evict()
      }),
    tidy: () => transact(removeSome),
    dispose() {
      db.close()
    },
  }
}
