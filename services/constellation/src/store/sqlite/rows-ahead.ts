import type { Database } from '@orrery/storage'
import type { StretchTable } from './stretches.ts'

/** A row as a merge needs it: views of what was read. */
export interface RowAhead {
  first: Buffer
  data: Buffer
  /** The first bytes of the next row of the hour. */
  next: Buffer | undefined
}

/** How many rows are read at a time. Numbers of their own in the text, as SQLite plans anew for each other limit that is bound. */
const sizes = [2, 4, 8, 16, 32, 64]

/** A row of which a quarter is asked for is cheaper to read than to look up. */
const worthReading = 4

interface Head {
  hour: number
  first: Buffer
  dataFrom: number
  dataTo: number
}

/** What the head of a row is made of: hour, and lengths of what follows, in so many hexadecimal digits each. */
const digits = { hour: 6, first: 6, data: 8 } as const

/**
 * Reads rows of a table of stretches at places that rise: some ahead where many are asked for, all in one buffer, as each
 * buffer that comes from SQLite takes longer than it takes to find the row.
 */
export class RowsAhead {
  readonly #statements: { get(hour: number, first: Buffer): Buffer | null | undefined }[]
  #size = 0
  #rows: Buffer = Buffer.alloc(0)
  #row: Head | undefined
  #next: Head | undefined
  /** Whether nothing is behind what was read. */
  #isEnd = false
  /** How many of those that were read were asked for. */
  #used = 0

  constructor(db: Database, table: StretchTable) {
    this.#statements = sizes.map(size =>
      db
        .prepare<[number, Buffer], Buffer | null>(
          `SELECT CAST(group_concat(stretch, '') AS BLOB) FROM (
             SELECT printf('%0${digits.hour}x%0${digits.first}x%0${digits.data}x', hour, length(first), length(data))
               || first || data AS stretch
             FROM ${table}
             WHERE (hour, first) >= (
               SELECT hour, first FROM ${table} WHERE (hour, first) <= (?, ?) ORDER BY hour DESC, first DESC LIMIT 1)
             ORDER BY hour, first LIMIT ${size})`,
        )
        .pluck(),
    )
  }

  /** From here on places begin anew, and rows may have changed. */
  begin(): void {
    this.#row = this.#next = undefined
    this.#isEnd = false
    this.#size = this.#used = 0
  }

  /** The row that has what lies at a place, or would have it. Rows that were asked for before may have changed meanwhile. */
  at(hour: number, first: Buffer): RowAhead | undefined {
    while (this.#next && isAtOrBelow(this.#next, hour, first)) this.#step()
    if (!this.#row || (!this.#next && !this.#isEnd)) this.#read(hour, first)
    const row = this.#row
    if (row?.hour !== hour || Buffer.compare(row.first, first) > 0) return undefined
    this.#used++
    const next = this.#next?.hour === hour ? this.#next.first : undefined
    return { first: row.first, data: this.#rows.subarray(row.dataFrom, row.dataTo), next }
  }

  #read(hour: number, first: Buffer): void {
    if (this.#used * worthReading > sizes[this.#size]!)
      this.#size = Math.min(this.#size + 1, sizes.length - 1)
    else this.#size = Math.max(this.#size - 1, 0)
    this.#used = 0
    this.#rows = this.#statements[this.#size]!.get(hour, first) ?? Buffer.alloc(0)
    this.#row = this.#headAt(0)
    this.#next = this.#row && this.#headAt(this.#row.dataTo)
    // Two are always read.
    this.#isEnd = !this.#next
  }

  #step(): void {
    this.#row = this.#next
    this.#next = this.#headAt(this.#row!.dataTo)
  }

  #headAt(at: number): Head | undefined {
    if (at >= this.#rows.length) return undefined
    const lengthsFrom = at + digits.hour
    const dataLengthFrom = lengthsFrom + digits.first
    const firstFrom = dataLengthFrom + digits.data
    const dataFrom = firstFrom + this.#number(lengthsFrom, dataLengthFrom)
    return {
      hour: this.#number(at, lengthsFrom),
      first: this.#rows.subarray(firstFrom, dataFrom),
      dataFrom,
      dataTo: dataFrom + this.#number(dataLengthFrom, firstFrom),
    }
  }

  #number(from: number, to: number): number {
    return Number.parseInt(this.#rows.toString('latin1', from, to), 16)
  }
}

function isAtOrBelow(row: Head, hour: number, first: Buffer): boolean {
  return row.hour < hour || (row.hour === hour && Buffer.compare(row.first, first) <= 0)
}
