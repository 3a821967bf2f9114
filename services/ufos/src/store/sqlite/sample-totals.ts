import type { Database } from '@orrery/storage'

/** How many samples a collection has, and what they take: JSON, and `sampleRowBytes` each. */
export interface Total {
  readonly collection: number
  count: number
  bytes: number
  /** No sample of it is older. */
  oldestUs: number
}

/** What a sample takes beside its JSON, bytes. */
export const sampleRowBytes = 200

/**
 * How many samples each collection has. Kept in memory and written now and then; those that a crash left behind are counted
 * anew.
 */
export class SampleTotals {
  readonly #read
  readonly #write
  readonly #count
  #totals = new Map<number, Total>()
  readonly #dirty = new Set<number>()
  #samples = 0
  #bytes = 0

  constructor(db: Database) {
    this.#read = db.prepare<[], Total>(
      'SELECT collection, count, bytes, oldest_us AS oldestUs FROM sample_total',
    )
    this.#write = db.prepare<[number, number, number, number]>(
      'INSERT OR REPLACE INTO sample_total VALUES (?, ?, ?, ?)',
    )
    this.#count = db.prepare<[number], Omit<Total, 'collection'>>(
      `SELECT count(*) AS count, IFNULL(sum(size + ${sampleRowBytes}), 0) AS bytes,
         IFNULL(min(time_us), 0) AS oldestUs
       FROM sample WHERE collection = ?`,
    )
    this.recount()
  }

  get samples(): number {
    return this.#samples
  }

  get bytes(): number {
    return this.#bytes
  }

  get all(): Iterable<Readonly<Total>> {
    return this.#totals.values()
  }

  get(collection: number): Readonly<Total> {
    return this.#totals.get(collection) ?? { collection, count: 0, bytes: 0, oldestUs: 0 }
  }

  set(total: Total): void {
    const { collection, count, bytes } = total
    const before = this.get(collection)
    this.#samples += count - before.count
    this.#bytes += bytes - before.bytes
    this.#totals.set(collection, total)
    this.#dirty.add(collection)
  }

  /** Writes what changed, in the transaction of the caller, who says afterwards that it was committed. */
  write(): void {
    for (const collection of this.#dirty) {
      const { count, bytes, oldestUs } = this.get(collection)
      this.#write.run(collection, count, bytes, oldestUs)
    }
  }

  written(): void {
    this.#dirty.clear()
  }

  /** Reads all, and counts anew those that changed since they were written, and these. */
  recount(collections: Iterable<number> = []): void {
    this.#totals = new Map(this.#read.all().map(total => [total.collection, total]))
    this.#samples = 0
    this.#bytes = 0
    for (const { count, bytes } of this.#totals.values()) {
      this.#samples += count
      this.#bytes += bytes
    }
    for (const collection of new Set([...this.#dirty, ...collections])) {
      this.set({ collection, ...this.#count.get(collection)! })
    }
  }
}
