import { join } from 'node:path'
import type { Progress } from '@orrery/firehose'
// Not from the package's front door: a thread loads what it imports, and that is half a second of what it does not need.
import { createProgressTables, prepareSaveProgress } from '@orrery/firehose/progress'
import { migrate, openDatabase, toStorageError } from '@orrery/storage'
import type { Change, Link } from '../../store.ts'
import { type Account, Accounts } from './accounts.ts'
import { secondsOf } from './entries.ts'
import { Lists } from './lists.ts'
import { Names } from './names.ts'
import { PlcNumbers } from './plc-numbers.ts'
import { RecordTree } from './record-tree.ts'
import { type KeptLink, placeOf, rkeyOf } from './records.ts'
import { parseRkey } from './rkey.ts'
import { migrations, states } from './schema.ts'
import { type Dictionary, sourceName, targetKey } from './targets.ts'
import { compareTids, parseTid64, readTid64, type Tid64, tidOfRkey, writeTid64 } from './tid64.ts'
import { Version } from './version.ts'

export interface WriterOptions {
  folder: string
  /** Page cache, bytes. */
  cacheBytes: number
  /** Shared with who reads (`Version`). */
  version?: SharedArrayBuffer
  /** How large a row's bytes get before it is cut; for tests. */
  maxRowBytes?: number
}

/**
 * So that a page holds at least four rows: what is longer than a thousand bytes spills over into pages of its own, in trees
 * without rowids.
 */
const rowBytes = 800

/** The file of the index, in its folder. */
export const fileName = 'links.sqlite'

/** What the writer's thread does. Each call is one transaction, but that what is gathered belongs to the next `apply`. */
export interface WriterApi {
  gather(changes: readonly Change[], timeMs: number): void
  apply(changes: readonly Change[], progress: Progress, timeMs: number): void
  /** One step of tidying up; false when there is nothing more to do. */
  tidy(): boolean
  dispose(): void
}

/** Accounts whose numbers are remembered: 20 MiB. */
const rememberedDids = 2 ** 20

/** Links of a deleted account, and hours looked through for them, that are done in one transaction: some 50 milliseconds. */
const linksPerStep = 2_000

interface Totals {
  time_ms: number
  started_ms: number | null
  long_lists: number
  dids: number
  targetables: number
  records: number
  links: number
}

export function openWriter(options: WriterOptions): WriterApi {
  const { folder, cacheBytes, maxRowBytes = rowBytes } = options
  const version = new Version(options.version)
  const db = openDatabase(join(folder, fileName), { cacheBytes })
  migrate(db, migrations)
  createProgressTables(db)
  const saveProgress = prepareSaveProgress(db)
  const names: Dictionary = {
    dids: new Names(db, 'did', { ids: new PlcNumbers(rememberedDids) }),
    collections: new Names(db, 'collection'),
    sources: new Names(db, 'source'),
    texts: new Names(db, 'text'),
  }
  const readTotals = db.prepare<[], Totals>('SELECT * FROM totals')
  const writeTotals = db.prepare(
    `UPDATE totals SET time_ms = @time_ms, started_ms = @started_ms, long_lists = @long_lists, dids = @dids,
       targetables = @targetables, records = @records, links = @links`,
  )
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const readPast = db.prepare<[number], Buffer>('SELECT rev FROM past WHERE did = ?').pluck()
  const writePast = db.prepare('INSERT OR REPLACE INTO past (did, rev) VALUES (?, ?)')
  const nextLeaving = db.prepare<[], { did: number }>('SELECT did FROM leaving ORDER BY did LIMIT 1')
  const addLeaving = db.prepare('INSERT OR IGNORE INTO leaving (did) VALUES (?)')
  const removeLeaving = db.prepare('DELETE FROM leaving WHERE did = ?')

  let totals = readTotals.get()!
  const accounts = new Accounts(db)
  const lists = new Lists(db, () => ++totals.long_lists, maxRowBytes)
  const records = new RecordTree(db, maxRowBytes)

  function flush(): void {
    totals.targetables += lists.flush()
    // Their links have their slots now.
    records.flush()
    accounts.flush()
    writeTotals.run(totals)
  }

  function put(change: Extract<Change, { kind: 'put' | 'delete' }>, time: number): void {
    const { record } = change
    const links = change.kind === 'put' ? change.links : []
    // What is not known has nothing to lose, but its rev is remembered all the same.
    const did = names.dids.number(record.did)
    const account = accounts.of(did)
    const rev = change.rev === '' ? undefined : parseTid64(change.rev)
    const before = account.rev
    const order = rev && before ? compareTids(rev, before) : 1
    if (order < 0 || (order === 0 && isPast(account, rev!))) return
    const isNewest = rev !== undefined && order === 0
    if (rev && !isNewest) account.rev = rev

    const rkey = parseRkey(record.rkey)
    const place = placeOf(did, names.collections.number(record.collection), rkey)
    if (account.has(states.leaving)) finishLeaving(account)
    // While all its records had keys that were older than their commits, one that is newer than the last commit is new:
    // most of what comes need not be looked for.
    const tid = 'text' in rkey ? undefined : tidOfRkey(rkey)
    const isNew = tid && before && !account.has(states.ahead) && compareTids(tid, before) > 0
    const held = account.has(states.linked) && !isNew ? records.find(place, record.rkey) : undefined
    if (!held && links.length === 0) return
    const kept = links.map(link => prepare(link, place.collection))
    if (held) {
      if (isNewest && areSame(held, kept)) return
      removeLinks(held)
      totals.records--
    }
    for (const link of kept) lists.append(link, did, rkey, time)
    records.put(place, record.rkey, kept)
    if (kept.length === 0) return
    totals.records++
    totals.links += kept.length
    const isFirst = !account.has(states.linked)
    if (isFirst) {
      totals.dids++
      account.state |= states.linked
    }
    if (isFirst || place.hour < account.firstHour) account.firstHour = place.hour
    const newest = account.rev
    if (tid && !(newest && compareTids(tid, newest) <= 0)) account.state |= states.ahead
  }

  /** Whether all at this rev, which is the account's newest, was before it was deleted. */
  function isPast(account: Account, rev: Tid64): boolean {
    if (!account.has(states.past)) return false
    return compareTids(rev, readTid64(readPast.get(account.id)!, 0)) === 0
  }

  function prepare({ path, target }: Link, collection: number): KeptLink {
    return {
      source: names.sources.number(sourceName(collection, path)),
      target: targetKey(target, names, 'add'),
      slot: 0,
    }
  }

  function removeLinks(links: readonly KeptLink[]): void {
    for (const link of links) lists.remove(link)
    totals.links -= links.length
  }

  function apply(change: Change, time: number): void {
    switch (change.kind) {
      case 'put':
      case 'delete':
        put(change, time)
        return
      case 'account': {
        const account = accounts.of(names.dids.number(change.did))
        if (change.active) account.state &= ~states.hidden
        else account.state |= states.hidden
        return
      }
      case 'delete_account':
        deleteAccount(accounts.of(names.dids.number(change.did)))
    }
  }

  function deleteAccount(account: Account): void {
    const { id, rev } = account
    if (rev) {
      const bytes = Buffer.alloc(8)
      writeTid64(bytes, 0, rev)
      writePast.run(id, bytes)
      account.state |= states.past
    }
    account.state &= ~states.hidden
    if (account.has(states.linked)) {
      totals.dids--
      account.state ^= states.linked | states.leaving
      addLeaving.run(id)
    }
    // Most accounts are done with at once.
    if (account.has(states.leaving)) removeSome(account)
  }

  /** Removes links of a deleted account, so many and to the end of an hour. True when nothing is left. */
  function removeSome(account: Account, limit = linksPerStep): boolean {
    // What is looked for by account is looked for on disk.
    flush()
    const { id } = account
    let done = 0
    let reached: number | undefined
    for (const { hour, records: some } of records.ofAccount(id, account.firstHour)) {
      if (done >= limit) {
        reached = hour
        break
      }
      done++
      for (const { place, links } of some) {
        removeLinks(links)
        records.put(place, rkeyOf(place), [])
        totals.records--
        done += links.length
      }
    }
    flush()
    if (reached !== undefined) {
      account.firstHour = reached
      return false
    }
    removeLeaving.run(id)
    account.state &= ~(states.leaving | states.ahead)
    return true
  }

  /** An account that links again before it is gone: the rest goes now, so that old and new are never mixed. */
  function finishLeaving(account: Account): void {
    removeSome(account, Infinity)
  }

  /**
   * Does work in the transaction that is open, or else in a new one, and ends it if `commits`. When it fails, nothing of
   * the transaction stays, here neither.
   */
  function transact<T>(work: () => T, commits: boolean): T {
    try {
      if (!db.inTransaction) begin.run()
      const result = work()
      if (commits) {
        flush()
        accounts.forget()
        version.during(() => commit.run())
      }
      return result
    } catch (error) {
      // Some errors end the transaction by themselves.
      if (db.inTransaction) rollback.run()
      lists.forget()
      records.forget()
      accounts.forget()
      for (const name of Object.values(names)) name.forget()
      totals = readTotals.get()!
      throw toStorageError(error, `write to ${db.name}`, db.name)
    }
  }

  function applyAll(changes: readonly Change[], timeMs: number): void {
    totals.time_ms = Math.max(totals.time_ms, Math.floor(timeMs / 1000) * 1000)
    if (changes.length > 0) totals.started_ms ??= totals.time_ms
    const time = secondsOf(totals.time_ms)
    for (const change of changes) apply(change, time)
  }

  return {
    gather: (changes, timeMs) => transact(() => applyAll(changes, timeMs), false),
    apply: (changes, progress, timeMs) =>
      transact(() => {
        applyAll(changes, timeMs)
        saveProgress(progress)
      }, true),
    tidy() {
      // What is being gathered comes first; if this failed, it would take that with it.
      if (db.inTransaction) return true
      return transact(() => {
        const next = nextLeaving.get()
        if (next) removeSome(accounts.of(next.did))
        return next !== undefined
      }, true)
    },
    dispose() {
      db.close()
    },
  }
}

function areSame(kept: readonly KeptLink[], wanted: readonly KeptLink[]): boolean {
  return (
    kept.length === wanted.length &&
    kept.every(({ source, target }, i) => source === wanted[i]!.source && target === wanted[i]!.target)
  )
}
