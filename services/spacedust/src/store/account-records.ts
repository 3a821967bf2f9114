import { hash } from 'node:crypto'
import type { Database } from '@orrery/storage'

/** Where the records lie that an account links with. A place is free by now, or another's, where a newer version came. */
export interface AccountRecords {
  /** A version with links was put at a place, behind all others. */
  add(did: string, atUs: number): void
  /** What was added is committed. What was not by the next `flush` was rolled back. */
  settle(): void
  /** Writes down what has gathered, once that is enough, in a transaction of its own. */
  flush(): void
  /** Takes out up to `limit` places before `beforeUs` that were written down: fewer where there are no more. */
  take(did: string, beforeUs: number, limit: number): number[]
  /** The places before `beforeUs` that were not written down yet; they stay. */
  gatheredOf(did: string, beforeUs: number): Set<number>
  /** Forgets what was written down of places before `beforeUs`. */
  forget(beforeUs: number): void
}

/**
 * Opens it in a database that has its tables. Accounts come in no order, and a row wherever each lies would be a page of
 * 4 kB written for a few bytes. So places gather in memory, and `runLength` of them are written together as a run, in the
 * order of accounts. Who looks for an account looks into each run, which is seldom. What had gathered when the process
 * ended is found again by what is in the table of records.
 */
export function openAccountRecords(db: Database, runLength = 32_768): AccountRecords {
  const begin = db.prepare<[number]>('INSERT INTO account_runs (last_us) VALUES (?)')
  const insert = db.prepare('INSERT INTO account_records (run, account, at_us) VALUES (?, ?, ?)')
  const find = db.prepare<[number, number, number], { run: number; at_us: number }>(
    `SELECT run, at_us FROM account_runs CROSS JOIN account_records ON run = id
     WHERE account = ? AND at_us < ? LIMIT ?`,
  )
  const remove = db.prepare('DELETE FROM account_records WHERE run = ? AND account = ? AND at_us = ?')
  const oldRuns = db.prepare<[number], number>('SELECT id FROM account_runs WHERE last_us < ?').pluck()
  const removeRun = db.prepare<[number]>('DELETE FROM account_records WHERE run = ?')
  const endRun = db.prepare<[number]>('DELETE FROM account_runs WHERE id = ?')

  let accounts: number[] = []
  let places: number[] = []
  let settled = 0

  function add(did: string, atUs: number): void {
    accounts.push(accountOf(did))
    places.push(atUs)
  }

  const write = db.transaction((): void => {
    const run = begin.run(places.at(-1)!).lastInsertRowid
    const order = Uint32Array.from(places.keys()).toSorted((a, b) => accounts[a]! - accounts[b]! || a - b)
    for (const i of order) insert.run(run, accounts[i], places[i])
  })

  function flush(): void {
    accounts.length = places.length = settled
    if (settled < runLength) return
    write.immediate()
    accounts = []
    places = []
    settled = 0
  }

  const forgetRun = db.transaction((run: number): void => {
    removeRun.run(run)
    endRun.run(run)
  })

  function* newer(): Generator<{ did: string; at_us: number }[]> {
    const rows = db.prepare<[number], { did: string; at_us: number }>(
      'SELECT did, at_us FROM records WHERE links IS NOT NULL AND at_us > ? ORDER BY at_us LIMIT 10000',
    )
    const newest = db.prepare<[], number>('SELECT coalesce(max(last_us), 0) FROM account_runs').pluck()
    for (let some = rows.all(newest.get()!); some.length > 0; some = rows.all(some.at(-1)!.at_us)) yield some
  }
  for (const some of newer()) {
    for (const { did, at_us } of some) add(did, at_us)
    settled = places.length
    flush()
  }

  return {
    add,
    settle: () => void (settled = places.length),
    flush,
    take(did, beforeUs, limit) {
      const account = accountOf(did)
      const found = find.all(account, beforeUs, limit)
      for (const { run, at_us } of found) remove.run(run, account, at_us)
      return found.map(({ at_us }) => at_us)
    },
    gatheredOf(did, beforeUs) {
      const account = accountOf(did)
      return new Set(places.filter((atUs, i) => accounts[i] === account && atUs < beforeUs))
    },
    forget(beforeUs) {
      for (const run of oldRuns.all(beforeUs)) forgetRun.immediate(run)
    },
  }
}

/** 31 bits of a hash. Others that have the same are told apart by their records. */
function accountOf(did: string): number {
  return Number.parseInt(hash('sha1', did).slice(0, 8), 16) % 2 ** 31
}
