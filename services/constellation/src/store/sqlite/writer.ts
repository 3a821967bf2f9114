import { join } from 'node:path'
import type { Progress } from '@orrery/firehose'
// Not from the package's front door: a thread loads what it imports, and that is half a second of what it does not need.
import { createProgressTables, prepareSaveProgress } from '@orrery/firehose/progress'
import { openDatabase, toStorageError } from '@orrery/storage'
import { type Account, Accounts } from './accounts.ts'
import { BatchNumbers } from './batch-numbers.ts'
import { type Batch, BatchReader, ops } from './batch.ts'
import { release } from './bytes.ts'
import { secondsOf } from './entries.ts'
import { Gathered, type LinkRange } from './gathered.ts'
import { Lists } from './lists.ts'
import { Names } from './names.ts'
import { RecordTree } from './record-tree.ts'
import { placeOf } from './places.ts'
import { prepareSchema, states } from './schema.ts'
import type { Dictionary } from './targets.ts'
import { compareTids, readTid64, type Tid64, tidOfRkey, writeTid64 } from './tid64.ts'
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
const rowBytes = 900

/**
 * 32 MiB of log before it is moved into the file: what is popular is written there once instead of many times. With four
 * commits a second of 250 events each that is 18 KiB an event on disk, where 4 MiB and twenty commits of 50 took 25.
 */
const autoCheckpointPages = 8_000

/** The file of the index, in its folder. */
export const fileName = 'links.sqlite'

/** What the writer's thread does. Each call is one transaction, but that what is gathered belongs to the next `apply`. */
export interface WriterApi {
  gather(batch: Batch, timeMs: number): void
  apply(batch: Batch, progress: Progress, timeMs: number): void
  /** One step of tidying up; false when there is nothing more to do. */
  tidy(): boolean
  dispose(): void
}

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
  const db = openDatabase(join(folder, fileName), { cacheBytes, autoCheckpointPages })
  prepareSchema(db)
  createProgressTables(db)
  const saveProgress = prepareSaveProgress(db)
  const names: Dictionary = {
    dids: new Names(db, 'did'),
    collections: new Names(db, 'collection'),
    sources: new Names(db, 'source'),
    texts: new Names(db, 'text'),
  }
  const numbers = new BatchNumbers(names)
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
  const gathered = new Gathered()
  const lists = new Lists(db, gathered, () => ++totals.long_lists, maxRowBytes)
  const records = new RecordTree(db, gathered, maxRowBytes)

  function flush(): void {
    totals.targetables += lists.flush()
    // Their links have their slots now.
    records.flush()
    gathered.clear()
    accounts.flush()
    writeTotals.run(totals)
  }

  /** Takes a put or delete, up to its links, and the reader past them. */
  function put(reader: BatchReader, hasLinks: boolean, time: number): void {
    // What is not known has nothing to lose, but its rev is remembered all the same.
    const did = reader.did(numbers)
    const collection = numbers.collection(reader.varint())
    const rkey = reader.rkey()
    const rev = reader.rev()
    const end = hasLinks ? reader.four() + reader.at : reader.at
    const linkCount = hasLinks ? reader.varint() : 0
    try {
      const account = accounts.of(did)
      const before = account.rev
      const order = rev && before ? compareTids(rev, before) : 1
      if (order < 0 || (order === 0 && isPast(account, rev!))) return
      const isNewest = rev !== undefined && order === 0
      if (rev && !isNewest) account.rev = rev

      const place = placeOf(did, collection, rkey)
      if (account.has(states.leaving)) finishLeaving(account)
      // While all its records had keys that were older than their commits, one that is newer than the last commit is new:
      // most of what comes need not be looked for.
      const tid = 'text' in rkey ? undefined : tidOfRkey(rkey)
      const isNew = tid && before && !account.has(states.ahead) && compareTids(tid, before) > 0
      const held = account.has(states.linked) && !isNew ? records.find(place) : undefined
      if (!held && linkCount === 0) return
      const links = numbers.gatherLinks(reader, linkCount, gathered)
      if (held) {
        if (isNewest && gathered.areSame(held, links)) {
          gathered.dropLinks(links.from)
          return
        }
        removeLinks(held)
        totals.records--
      }
      records.put(place, time, links)
      if (linkCount === 0) return
      for (let i = 0; i < linkCount; i++) lists.append(links.from + i)
      totals.records++
      totals.links += linkCount
      const isFirst = !account.has(states.linked)
      if (isFirst) {
        totals.dids++
        account.state |= states.linked
      }
      if (isFirst || place.hour < account.firstHour) account.firstHour = place.hour
      const newest = account.rev
      if (tid && !(newest && compareTids(tid, newest) <= 0)) account.state |= states.ahead
    } finally {
      reader.at = end
    }
  }

  /** Whether all at this rev, which is the account's newest, was before it was deleted. */
  function isPast(account: Account, rev: Tid64): boolean {
    if (!account.has(states.past)) return false
    return compareTids(rev, readTid64(readPast.get(account.id)!, 0)) === 0
  }

  function removeLinks({ from, count }: LinkRange): void {
    for (let i = from; i < from + count; i++) lists.remove(i)
    totals.links -= count
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
        removeLinks(gathered.addKept(links))
        records.put(place, 0, { from: 0, count: 0 })
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
      gathered.clear()
      accounts.forget()
      numbers.forget()
      totals = readTotals.get()!
      throw toStorageError(error, `write to ${db.name}`, db.name)
    }
  }

  function applyAll(batch: Batch, timeMs: number): void {
    const reader = new BatchReader(batch.bytes)
    totals.time_ms = Math.max(totals.time_ms, Math.floor(timeMs / 1000) * 1000)
    if (!reader.done) totals.started_ms ??= totals.time_ms
    const time = secondsOf(totals.time_ms)
    numbers.begin(batch)
    while (!reader.done) {
      const op = reader.byte()
      if (op === ops.put || op === ops.delete) put(reader, op === ops.put, time)
      else takeAccount(accounts.of(reader.did(numbers)), op)
    }
    release(batch.bytes)
  }

  function takeAccount(account: Account, op: number): void {
    if (op === ops.active) account.state &= ~states.hidden
    else if (op === ops.inactive) account.state |= states.hidden
    else deleteAccount(account)
  }

  return {
    gather: (batch, timeMs) => transact(() => applyAll(batch, timeMs), false),
    apply: (batch, progress, timeMs) =>
      transact(() => {
        applyAll(batch, timeMs)
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
