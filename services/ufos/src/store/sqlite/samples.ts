import type { Database } from '@orrery/storage'
import type { Change, Sample } from '../../store.ts'

type Put = Extract<Change, { kind: 'create' | 'update' }>

/** A change to a sample: what it is now, or that it is none. */
interface Op {
  seq: number
  element: number
  rkey: string
  put: (Put & { json: Uint8Array }) | undefined
}

interface Row {
  did: string
  rkey: string
  rev: string
  cid: string
  is_update: number
  time_us: number
  seq: number
  element: number
  json: string
}

/** Collections whose samples are looked through in one step of removing those of accounts. */
const collectionsPerStep = 100

/**
 * The newest records of each collection. Deletes find a record by its key; accounts that are removed are hidden at once, and
 * their samples are removed as all collections are gone through.
 */
export class Samples {
  readonly #kept: number
  /** Accounts that are hidden up to a number. */
  #removals: Map<number, number>
  readonly #counts = new Map<number, number>()
  readonly #count
  readonly #insert
  readonly #delete
  readonly #keys
  readonly #deleteAt
  readonly #deleteOldest
  readonly #page
  readonly #addRemoval
  readonly #deleteRemoval
  readonly #readRemovals
  /** By collection, the last change to each record of the batch. */
  #ops = new Map<number, Map<string, Op>>()
  #fresh = new Map<number, number>()
  #pass: { upTo: ReadonlyMap<number, number>; next: number } | undefined

  constructor(db: Database, options: { kept: number }) {
    this.#kept = options.kept
    this.#count = db.prepare<[number], number>('SELECT count(*) FROM sample WHERE collection = ?').pluck()
    this.#insert = db.prepare<
      [number, number, number, number, string, string, string, string, number, Uint8Array]
    >('INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
    this.#delete = db.prepare<[number, number, string]>(
      'DELETE FROM sample WHERE collection = ? AND element = ? AND rkey = ?',
    )
    this.#keys = db.prepare<[number], { element: number; seq: number; time_us: number }>(
      'SELECT element, seq, time_us FROM sample INDEXED BY sample_by_key WHERE collection = ?',
    )
    this.#deleteAt = db.prepare<[number, number, number]>(
      'DELETE FROM sample WHERE collection = ? AND time_us = ? AND seq = ?',
    )
    this.#deleteOldest = db.prepare<[number, number, number]>(
      `DELETE FROM sample WHERE collection = ? AND (time_us, seq) IN
         (SELECT time_us, seq FROM sample WHERE collection = ? ORDER BY time_us, seq LIMIT ?)`,
    )
    this.#page = db.prepare<[number, number, number], Row>(
      `SELECT did, rkey, rev, cid, is_update, time_us, seq, element, CAST(json AS TEXT) AS json FROM sample
       WHERE collection = ? AND (time_us, seq) < (?, ?) ORDER BY time_us DESC, seq DESC`,
    )
    this.#addRemoval = db.prepare<[number, number]>('INSERT OR REPLACE INTO removal VALUES (?, ?)')
    this.#deleteRemoval = db.prepare<[number, number]>('DELETE FROM removal WHERE element = ? AND seq = ?')
    this.#readRemovals = db.prepare<[], { element: number; seq: number }>('SELECT element, seq FROM removal')
    this.#removals = this.#loadRemovals()
  }

  /** Gathers a change to a record; with `write` it is done. */
  add(
    collection: number,
    change: Exclude<Change, { kind: 'remove_account' }>,
    at: { element: number; seq: number },
  ): void {
    let ops = this.#ops.get(collection)
    if (!ops) this.#ops.set(collection, (ops = new Map<string, Op>()))
    const { rkey } = change
    const isPut = change.kind !== 'delete' && change.json !== null
    ops.set(`${change.did}/${rkey}`, { ...at, rkey, put: isPut ? (change as Op['put']) : undefined })
  }

  /** Gathers the removal of an account. */
  remove(element: number, seq: number): void {
    this.#fresh.set(element, seq)
  }

  /** Does what was gathered, in the transaction of the caller, who says afterwards that it was committed or not. */
  write(): void {
    for (const [element, seq] of this.#fresh) {
      this.#addRemoval.run(element, seq)
      this.#removals.set(element, seq)
    }
    for (const [collection, ops] of this.#ops) this.#writeTo(collection, [...ops.values()])
  }

  commit(): void {
    this.#ops = new Map()
    this.#fresh = new Map()
  }

  rollback(): void {
    this.commit()
    this.#removals = this.#loadRemovals()
    this.#counts.clear()
    this.#pass = undefined
  }

  /** The newest of a collection, newest first, of one byte or more; `isCut` where there are more, but too many bytes. */
  page(
    collection: number,
    { limit, before, maxBytes }: { limit: number; before: Pick<Sample, 'timeUs' | 'seq'>; maxBytes: number },
  ): { items: Omit<Sample, 'collection'>[]; isCut: boolean } {
    const items: Omit<Sample, 'collection'>[] = []
    let bytes = 0
    for (const row of this.#page.iterate(collection, before.timeUs, before.seq)) {
      if (this.#isHidden(row)) continue
      if (bytes >= maxBytes) return { items, isCut: true }
      const { did, rkey, rev, cid, is_update, time_us: timeUs, seq, json } = row
      items.push({ did, rkey, rev, cid, isUpdate: is_update === 1, timeUs, seq, json })
      bytes += json.length
      if (items.length === limit) break
    }
    return { items, isCut: false }
  }

  /** Whether accounts are still to be removed. */
  get isTidy(): boolean {
    return this.#removals.size === 0
  }

  /** Goes on removing the samples of accounts, in the transaction of the caller. */
  tidy(collections: number): void {
    this.#pass ??= { upTo: new Map(this.#removals), next: 0 }
    const { upTo, next } = this.#pass
    const end = Math.min(collections, next + collectionsPerStep)
    for (let id = next; id < end; id++) this.#purge(id)
    this.#pass.next = end
    if (end < collections) return
    this.#pass = undefined
    for (const [element, seq] of upTo) {
      this.#deleteRemoval.run(element, seq)
      if (this.#removals.get(element) === seq) this.#removals.delete(element)
    }
  }

  #writeTo(collection: number, ops: readonly Op[]): void {
    let count = this.#countOf(collection)
    const remove = ({ element, rkey }: Pick<Op, 'element' | 'rkey'>): void => {
      if (count > 0) count -= this.#delete.run(collection, element, rkey).changes
    }
    for (const op of ops) if (op.put?.kind !== 'create') remove(op)
    const puts: (Op & { put: NonNullable<Op['put']> })[] = []
    for (const { put, ...at } of ops) {
      if (!put) continue
      if (this.#isHidden(at)) remove(at)
      else puts.push({ ...at, put })
    }
    // What would be let go of at once need not come in.
    if (puts.length > this.#kept) {
      puts.sort((a, b) => b.put.timeUs - a.put.timeUs || b.seq - a.seq)
      for (const old of puts.splice(this.#kept)) remove(old)
    }
    for (const { seq, element, rkey, put } of puts) {
      const { timeUs, did, rev, cid, json } = put
      const isUpdate = put.kind === 'update' ? 1 : 0
      const insert = (): boolean =>
        this.#insert.run(collection, timeUs, seq, element, did, rkey, rev, cid, isUpdate, json).changes > 0
      // Most records that are created were not there before.
      if (!insert()) {
        remove({ element, rkey })
        insert()
      }
      count++
    }
    this.#counts.set(collection, count)
    if (count <= this.#kept) return
    this.#purge(collection)
    count = this.#countOf(collection)
    if (count > this.#kept) {
      count -= this.#deleteOldest.run(collection, collection, count - this.#kept).changes
      this.#counts.set(collection, count)
    }
  }

  /** Removes what is hidden of a collection. */
  #purge(collection: number): void {
    if (this.#removals.size === 0 || this.#countOf(collection) === 0) return
    const hidden = this.#keys.all(collection).filter(row => this.#isHidden(row))
    for (const { time_us, seq } of hidden) this.#deleteAt.run(collection, time_us, seq)
    this.#counts.set(collection, this.#countOf(collection) - hidden.length)
  }

  #loadRemovals(): Map<number, number> {
    return new Map(this.#readRemovals.all().map(({ element, seq }) => [element, seq]))
  }

  #isHidden({ element, seq }: { element: number; seq: number }): boolean {
    return seq < (this.#removals.get(element) ?? 0)
  }

  #countOf(collection: number): number {
    let count = this.#counts.get(collection)
    if (count === undefined) {
      count = this.#count.get(collection) ?? 0
      this.#counts.set(collection, count)
    }
    return count
  }
}
