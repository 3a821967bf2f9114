import type { Database } from '@orrery/storage'
import type { Counts, Order, Seen } from '../../store.ts'
import { compareText } from '../../names.ts'
import { cellKey } from './levels.ts'

/** Stands for everything together. */
export const allId = 0
/** Stands for all collections beyond the largest number of them. */
export const otherId = 1

/** A collection with what happened to it since the store was made. `dids` is as of when it was last counted. */
export interface Collection extends Counts, Seen {
  readonly id: number
  readonly nsid: string
  /** Whether the sketch has changed since `dids` was counted. */
  isStale: boolean
}

/** All collections, in memory. New ones are written with the batch that brings them. */
export class Collections {
  readonly all: Collection
  readonly other: Collection
  readonly #byNsid = new Map<string, Collection>()
  readonly #byId = new Map<number, Collection>()
  readonly #max: number
  readonly #insert
  readonly #touch
  #fresh: Collection[] = []
  #sorted: Collection[] | undefined
  readonly #orders = new Map<Order, readonly Collection[]>()
  #nextId: number

  constructor(db: Database, maxCollections: number) {
    this.#max = maxCollections
    this.#insert = db.prepare<[number, string]>('INSERT INTO collection (id, nsid) VALUES (?, ?)')
    this.#touch = db.prepare<[number, number, number]>(
      'UPDATE collection SET first_us = ?, last_us = ? WHERE id = ?',
    )
    const rows = db
      .prepare<[number, number], Collection & { firstUs: number | null; lastUs: number | null }>(
        `SELECT c.id, c.nsid, c.first_us AS firstUs, c.last_us AS lastUs, IFNULL(creates, 0) AS creates,
           IFNULL(updates, 0) AS updates, IFNULL(deletes, 0) AS deletes, IFNULL(dids, 0) AS dids
         FROM collection AS c LEFT JOIN cell ON cell.key = c.id * ? + ?`,
      )
      .all(cellKey(1, 'hour', 0), cellKey(0, 'ever', 0))
    for (const row of rows) {
      const seen = { firstUs: row.firstUs ?? Number.POSITIVE_INFINITY, lastUs: row.lastUs ?? 0 }
      this.#keep({ ...row, ...seen, isStale: false })
    }
    this.all = this.#byId.get(allId)!
    this.other = this.#byId.get(otherId)!
    this.#byNsid.delete(this.all.nsid)
    this.#byNsid.delete(this.other.nsid)
    this.#nextId = Math.max(...this.#byId.keys()) + 1
  }

  get size(): number {
    return this.#byNsid.size
  }

  /** Above all ids. */
  get endId(): number {
    return this.#nextId
  }

  /** Those that are there for readers, by NSID. */
  get sorted(): readonly Collection[] {
    this.#sorted ??= [...this.#byNsid.values()].toSorted((a, b) => compareText(a.nsid, b.nsid))
    return this.#sorted
  }

  /** The same with the most of something first, as of when it was last counted; ties by NSID. */
  ordered(order: Order): readonly Collection[] {
    const before = this.#orders.get(order) ?? this.sorted
    // As it was in order not long ago, little is to be done.
    const all = before.toSorted((a, b) => b[order] - a[order] || compareText(a.nsid, b.nsid))
    this.#orders.set(order, all)
    return all
  }

  find(nsid: string): Collection | undefined {
    return this.#byNsid.get(nsid)
  }

  get(id: number): Collection {
    return this.#byId.get(id)!
  }

  /** Added if it is not there, or `other` where there are too many. To be followed by `commit` or `rollback`. */
  add(nsid: string): Collection {
    const known = this.#byNsid.get(nsid)
    if (known) return known
    if (this.#byNsid.size >= this.#max) return this.other
    const counts = { creates: 0, updates: 0, deletes: 0, dids: 0, isStale: false }
    const added = {
      id: this.#nextId++,
      nsid,
      firstUs: Number.POSITIVE_INFINITY,
      lastUs: 0,
      ...counts,
    }
    this.#fresh.push(added)
    this.#keep(added)
    return added
  }

  /** Writes those added since. */
  insertFresh(): void {
    for (const { id, nsid } of this.#fresh) this.#insert.run(id, nsid)
  }

  commit(): void {
    this.#fresh = []
  }

  rollback(): void {
    for (const { id, nsid } of this.#fresh) {
      this.#byNsid.delete(nsid)
      this.#byId.delete(id)
    }
    this.#nextId -= this.#fresh.length
    this.#fresh = []
    this.#forgetOrders()
  }

  /** Writes when events of it were seen. */
  touch({ id, firstUs, lastUs }: Collection): void {
    this.#touch.run(firstUs, lastUs, id)
  }

  #keep(collection: Collection): void {
    this.#byNsid.set(collection.nsid, collection)
    this.#byId.set(collection.id, collection)
    this.#forgetOrders()
  }

  #forgetOrders(): void {
    this.#sorted = undefined
    this.#orders.clear()
  }
}
