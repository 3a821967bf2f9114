import type { Database } from '@orrery/storage'
import { states } from './schema.ts'
import { type Tid64, readTid64, writeTid64 } from './tid64.ts'

// What is known of accounts, so many to a row, by number: an account that does something costs a few bytes of a row that
// others share. A row each was a page of 4 kB to read and write for most of what is linked.
//
//   account = state · newest rev in eight bytes · hour of its oldest record in three

/** Accounts of a row: five rows fill a page. */
const accountsOfRow = 64
const accountBytes = 12

interface Row {
  data: Buffer
  isNew: boolean
  isDirty: boolean
}

/** An account as a batch works on it. What is set is written by `flush`. */
export class Account {
  readonly id: number
  readonly #row: Row
  readonly #at: number

  constructor(id: number, row: Row) {
    this.id = id
    this.#row = row
    this.#at = offsetOf(id)
  }

  /** Bits of `states`. */
  get state(): number {
    return this.#row.data[this.#at]!
  }

  set state(state: number) {
    if (state === this.state) return
    this.#row.data[this.#at] = state
    this.#row.isDirty = true
  }

  has(state: number): boolean {
    return (this.state & state) !== 0
  }

  /** The newest rev that was applied; undefined where none was. */
  get rev(): Tid64 | undefined {
    return this.has(states.hasRev) ? readTid64(this.#row.data, this.#at + 1) : undefined
  }

  set rev(rev: Tid64) {
    this.state |= states.hasRev
    writeTid64(this.#row.data, this.#at + 1, rev)
    this.#row.isDirty = true
  }

  /** No record of it is of an earlier hour than this. Without meaning before it links. */
  get firstHour(): number {
    return this.#row.data.readUIntBE(this.#at + 9, 3)
  }

  set firstHour(hour: number) {
    this.#row.data.writeUIntBE(hour, this.#at + 9, 3)
    this.#row.isDirty = true
  }
}

/** The accounts as they are written. Rows that a batch touches are kept until `forget`. */
export class Accounts {
  readonly #rows = new Map<number, Row>()
  readonly #db

  constructor(db: Database) {
    this.#db = {
      get: db.prepare<[number], Buffer>('SELECT data FROM account WHERE id = ?').pluck(),
      insert: db.prepare<[number, Buffer]>('INSERT INTO account (id, data) VALUES (?, ?)'),
      update: db.prepare<[Buffer, number]>('UPDATE account SET data = ? WHERE id = ?'),
    }
  }

  of(did: number): Account {
    const id = rowOf(did)
    let row = this.#rows.get(id)
    if (!row) {
      const data = this.#db.get.get(id)
      row = { data: data ?? Buffer.alloc(accountsOfRow * accountBytes), isNew: !data, isDirty: false }
      this.#rows.set(id, row)
    }
    return new Account(did, row)
  }

  /** Writes what was touched. */
  flush(): void {
    for (const [id, row] of [...this.#rows].toSorted(([a], [b]) => a - b)) {
      if (!row.isDirty) continue
      if (row.isNew) this.#db.insert.run(id, row.data)
      else this.#db.update.run(row.data, id)
      row.isNew = false
      row.isDirty = false
    }
  }

  /** Ends the batch: accounts that were asked for are good no longer. */
  forget(): void {
    this.#rows.clear()
  }
}

/** Reads the state of an account: bits of `states`. */
export function prepareReadState(db: Database): (did: number) => number {
  const read = db
    .prepare<[number, number], Buffer>('SELECT substr(data, ?, 1) FROM account WHERE id = ?')
    .pluck()
  return did => read.get(offsetOf(did) + 1, rowOf(did))?.[0] ?? 0
}

function rowOf(did: number): number {
  return Math.floor(did / accountsOfRow)
}

function offsetOf(did: number): number {
  return (did % accountsOfRow) * accountBytes
}
