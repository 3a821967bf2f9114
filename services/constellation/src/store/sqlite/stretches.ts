import type { Database } from '@orrery/storage'
import { RowsAhead } from './rows-ahead.ts'

/** A row: what is not below `first` and below that of the next row of the hour; that of the hour's first row is empty. */
export interface Stretch {
  hour: number
  first: Buffer
  data: Buffer
}

/** A row that came out of a merge. */
export interface MergedRow {
  /** Undefined for that of the row that was. */
  first: Buffer | undefined
  data: Buffer
}

/** How what changes goes into rows. Changes are told by numbers. */
export interface Merging {
  hourOf(change: number): number
  /** Where it belongs, in bytes. */
  firstOf(change: number): Buffer
  /** Answers whether a change of an hour lies below the first bytes of a row. */
  below(hour: number, first: Buffer): (change: number) => boolean
  /** The rows that a row becomes; none where nothing is left. */
  merge(row: Uint8Array, hour: number, changes: Uint32Array): MergedRow[]
}

/** The tables whose rows are stretches. */
export type StretchTable = 'list' | 'record'

const nothing = Buffer.alloc(0)
/** Above the first bytes of all places. */
const lastFirst = Buffer.alloc(5, 0xff)

/** A tree whose rows each hold a stretch of what lies in order in an hour. */
export class Stretches {
  readonly #find
  readonly #ahead: RowsAhead
  readonly #db

  constructor(db: Database, table: StretchTable) {
    this.#find = prepareFindStretch(db, table)
    this.#ahead = new RowsAhead(db, table)
    this.#db = {
      above: prepareNextStretch(db, table),
      insert: db.prepare(`INSERT INTO ${table} (hour, first, data) VALUES (?, ?, ?)`),
      update: db.prepare(`UPDATE ${table} SET data = ? WHERE hour = ? AND first = ?`),
      remove: db.prepare(`DELETE FROM ${table} WHERE hour = ? AND first = ?`),
    }
  }

  /** The row of an hour that has what lies at a place, or would have it. */
  find(hour: number, first: Buffer): Stretch | undefined {
    return this.#find(hour, first)
  }

  /** The row behind another one. */
  next({ hour, first }: Pick<Stretch, 'hour' | 'first'>): Stretch | undefined {
    return this.#db.above.get(hour, first)
  }

  /** The first row of a later hour. */
  nextHour(hour: number): Stretch | undefined {
    return this.#db.above.get(hour, lastFirst)
  }

  /** Writes changes, which are in order, reading and writing each row once. */
  merge(changes: Uint32Array, merging: Merging): void {
    this.#ahead.begin()
    for (let from = 0; from < changes.length;) {
      const hour = merging.hourOf(changes[from]!)
      const row = this.#ahead.at(hour, merging.firstOf(changes[from]!))
      const isBelow = row?.next && merging.below(hour, row.next)
      let to = from + 1
      while (
        to < changes.length &&
        merging.hourOf(changes[to]!) === hour &&
        isBelow?.(changes[to]!) !== false
      )
        to++
      const rows = merging.merge(row?.data ?? nothing, hour, changes.subarray(from, to))
      this.#write(hour, row?.first, rows)
      from = to
    }
  }

  /** Writes what became of a row, which is told by its first bytes; of none where there was none. */
  #write(hour: number, row: Buffer | undefined, rows: readonly MergedRow[]): void {
    const was = row ?? nothing
    for (const { first, data } of rows) {
      if (first) this.#db.insert.run(hour, first, data)
      else if (row) this.#db.update.run(data, hour, was)
      else this.#db.insert.run(hour, was, data)
    }
    if (rows.length > 0 || !row) return
    // The first row of an hour stays: what comes before the second one has its place.
    if (was.length === 0) this.#db.update.run(nothing, hour, was)
    else this.#db.remove.run(hour, was)
  }
}

/**
 * Looks up the row that has what lies at a place, or would have it. Compared as a row: this SQLite plans anew for each other
 * value that a single column is to be below (STAT4), which takes six times as long as the look-up.
 */
export function prepareFindStretch(
  db: Database,
  table: StretchTable,
): (hour: number, first: Buffer) => Stretch | undefined {
  const find = db.prepare<[number, Buffer], Stretch>(
    `SELECT hour, first, data FROM ${table} WHERE (hour, first) <= (?, ?) ORDER BY hour DESC, first DESC LIMIT 1`,
  )
  return (hour, first) => {
    const row = find.get(hour, first)
    return row?.hour === hour ? row : undefined
  }
}

/** Looks up the row behind another one, of that hour or a later one. */
export function prepareNextStretch(db: Database, table: StretchTable) {
  return db.prepare<[number, Buffer], Stretch>(
    `SELECT hour, first, data FROM ${table} WHERE (hour, first) > (?, ?) ORDER BY hour, first LIMIT 1`,
  )
}

/**
 * How long rows are to become that a row is cut into, for bytes that there will be: alike, so that there is room in each.
 */
export function cutBytes(bytes: number, maxBytes: number): number {
  return Math.min(maxBytes, bytes / Math.ceil(bytes / maxBytes) + 32)
}
