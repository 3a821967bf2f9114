import { join } from 'node:path'
import type { Progress } from '@orrery/firehose'
// Not from the package's front door: a thread loads what it imports, and that is half a second of what it does not need.
import { createProgressTables, prepareSaveProgress } from '@orrery/firehose/progress'
import { migrate, openDatabase, toStorageError } from '@orrery/storage'
import type { Change, Link } from '../../store.ts'
import { secondsOf } from './entries.ts'
import { Lists } from './lists.ts'
import { Names } from './names.ts'
import { Recent } from './recent.ts'
import { type KeptLink, readRecords } from './records.ts'
import { parseRkey, rkeyBytes } from './rkey.ts'
import { migrations, states } from './schema.ts'
import { notFound, Stretches } from './stretches.ts'
import { type Dictionary, sourceName, targetKey } from './targets.ts'

export interface WriterOptions {
  folder: string
  /** Page cache, bytes. */
  cacheBytes: number
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

/** What the writer's thread does. Each call is one transaction. */
export interface WriterApi {
  apply(changes: readonly Change[], progress: Progress, timeMs: number): void
  /** One step of tidying up; false when there is nothing more to do. */
  tidy(): boolean
  dispose(): void
}

/** Accounts whose states are remembered from one transaction to the next. */
const knownAccounts = 50_000

/** Links of a deleted account that are removed in one transaction: some 50 milliseconds. */
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

interface Account {
  id: number
  state: number
  rev: string
  past_rev: string
  isDirty: boolean
}

export function openWriter({ folder, cacheBytes, maxRowBytes = rowBytes }: WriterOptions): WriterApi {
  const db = openDatabase(join(folder, fileName), { cacheBytes })
  migrate(db, migrations)
  createProgressTables(db)
  const saveProgress = prepareSaveProgress(db)
  const names: Dictionary = {
    dids: new Names(db, 'did', { remembered: 100_000 }),
    collections: new Names(db, 'collection'),
    sources: new Names(db, 'source'),
    texts: new Names(db, 'text'),
  }
  const readTotals = db.prepare<[], Totals>('SELECT * FROM totals')
  const writeTotals = db.prepare(
    `UPDATE totals SET time_ms = @time_ms, started_ms = @started_ms, long_lists = @long_lists, dids = @dids,
       targetables = @targetables, records = @records, links = @links`,
  )
  const readAccount = db.prepare<[number], Omit<Account, 'isDirty'>>(
    'SELECT id, state, rev, past_rev FROM did WHERE id = ?',
  )
  const writeAccount = db.prepare('UPDATE did SET state = ?, rev = ?, past_rev = ? WHERE id = ?')
  const nextLeaving = db.prepare<[], { did: number }>('SELECT did FROM leaving ORDER BY did LIMIT 1')
  const addLeaving = db.prepare('INSERT OR IGNORE INTO leaving (did) VALUES (?)')
  const removeLeaving = db.prepare('DELETE FROM leaving WHERE did = ?')

  let totals = readTotals.get()!
  /** Accounts that the transaction works on, and others that were met lately. */
  const accounts = new Map<number, Account>()
  const known = new Recent<number, Account>(knownAccounts)
  const lists = new Lists(db, () => ++totals.long_lists, maxRowBytes)
  const stretches = new Stretches(db, maxRowBytes)

  function accountOf(id: number): Account {
    let account = accounts.get(id)
    if (!account) {
      account = known.get(id)
      if (!account) known.set(id, (account = { ...readAccount.get(id)!, isDirty: false }))
      accounts.set(id, account)
    }
    return account
  }

  function update(account: Account, change: Partial<Account>): void {
    Object.assign(account, change)
    account.isDirty = true
  }

  function flush(): void {
    lists.flush()
    totals.targetables += lists.added
    lists.added = 0
    stretches.flush()
    // In the order of their rows: neighbours share pages.
    const dirty = [...accounts.values()].filter(({ isDirty }) => isDirty).toSorted((a, b) => a.id - b.id)
    for (const account of dirty) {
      writeAccount.run(account.state, account.rev, account.past_rev, account.id)
      account.isDirty = false
    }
    accounts.clear()
    writeTotals.run(totals)
  }

  function put(change: Extract<Change, { kind: 'put' | 'delete' }>, time: number): void {
    const { record, rev } = change
    const links = change.kind === 'put' ? change.links : []
    // What is not known has nothing to lose, but its rev is remembered all the same.
    const did = names.dids.number(record.did)
    const account = accountOf(did)
    const isOld = rev !== '' && (rev < account.rev || (rev === account.rev && rev === account.past_rev))
    if (isOld) return
    const isNewest = rev !== '' && rev === account.rev
    if (rev !== '' && !isNewest) update(account, { rev })

    const collection = names.collections.number(record.collection)
    const rkey = parseRkey(record.rkey)
    const key = rkeyBytes(rkey)
    if ((account.state & states.leaving) !== 0) finishLeaving(did)
    const hasLinks = (account.state & states.linked) !== 0
    const found = hasLinks ? stretches.find(did, collection, key) : notFound
    const { place } = found
    if (!place.found && links.length === 0) return
    const kept = links.map(link => prepare(link, collection))
    if (place.found) {
      if (isNewest && areSame(place.links, kept)) return
      removeLinks(place.links)
      totals.records--
    }
    for (const link of kept) link.slot = lists.append(link.target, link.source, did, rkey, time)
    stretches.put(did, collection, key, found, kept)
    if (kept.length === 0) return
    totals.records++
    totals.links += kept.length
    if (!hasLinks) {
      totals.dids++
      update(account, { state: account.state | states.linked })
    }
  }

  function prepare({ path, target }: Link, collection: number): KeptLink {
    return {
      source: names.sources.number(sourceName(collection, path)),
      target: targetKey(target, names, 'add'),
      slot: 0,
    }
  }

  function removeLinks(links: readonly KeptLink[]): void {
    for (const { target, source, slot } of links) lists.remove(target, source, slot)
    totals.links -= links.length
  }

  function apply(change: Change, time: number): void {
    switch (change.kind) {
      case 'put':
      case 'delete':
        put(change, time)
        return
      case 'account': {
        const account = accountOf(names.dids.number(change.did))
        const { state } = account
        update(account, { state: change.active ? state & ~states.hidden : state | states.hidden })
        return
      }
      case 'delete_account': {
        const account = accountOf(names.dids.number(change.did))
        if ((account.state & states.linked) !== 0) totals.dids--
        update(account, { state: states.leaving, past_rev: account.rev })
        addLeaving.run(account.id)
        // Most accounts are done with at once.
        removeSome(account.id)
      }
    }
  }

  /** Removes links of a deleted account, so many and to the end of a stretch. True when nothing is left. */
  function removeSome(did: number, limit = linksPerStep): boolean {
    // What is looked for by account is looked for on disk.
    stretches.flush()
    let removed = 0
    for (;;) {
      const stretch = stretches.firstOf(did)
      if (!stretch) break
      if (removed >= limit) return false
      for (const { links } of readRecords(stretch.data)) {
        removeLinks(links)
        totals.records--
        removed += links.length
      }
      stretches.remove(did, stretch.collection, stretch.first)
    }
    removeLeaving.run(did)
    const account = accountOf(did)
    update(account, { state: account.state & ~states.leaving })
    return true
  }

  /** An account that links again before it is gone: the rest goes now, so that old and new are never mixed. */
  function finishLeaving(did: number): void {
    removeSome(did, Infinity)
  }

  /** Does work in a transaction; when it fails, nothing of it stays, here neither. */
  function transact<T>(work: () => T): T {
    try {
      return db.transaction(work).immediate()
    } catch (error) {
      lists.forget()
      lists.added = 0
      stretches.forget()
      accounts.clear()
      known.clear()
      for (const name of Object.values(names)) name.forget()
      totals = readTotals.get()!
      throw toStorageError(error, `write to ${db.name}`, db.name)
    }
  }

  return {
    apply: (changes, progress, timeMs) =>
      transact(() => {
        totals.time_ms = Math.max(totals.time_ms, Math.floor(timeMs / 1000) * 1000)
        if (changes.length > 0) totals.started_ms ??= totals.time_ms
        const time = secondsOf(totals.time_ms)
        for (const change of changes) apply(change, time)
        flush()
        saveProgress(progress)
      }),
    tidy: () =>
      transact(() => {
        const next = nextLeaving.get()
        if (!next) return false
        removeSome(next.did)
        flush()
        return true
      }),
    dispose() {
      db.close()
    },
  }
}

function areSame(kept: readonly KeptLink[], wanted: readonly KeptLink[]): boolean {
  return (
    kept.length === wanted.length &&
    kept.every(({ source, target }, i) => source === wanted[i]!.source && target.equals(wanted[i]!.target))
  )
}
