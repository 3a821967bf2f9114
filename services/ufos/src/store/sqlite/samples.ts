import type { Database } from '@orrery/storage'
import { type Change, mostSamples, type Sample } from '../../store.ts'
import { hourUs } from '../../time.ts'
import { sampleRowBytes, SampleTotals, type Total } from './sample-totals.ts'

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
  readonly #maxBytes: number
  /** Accounts that are hidden up to a number. */
  #removals: Map<number, number>
  readonly #totals: SampleTotals
  readonly #insert
  readonly #delete
  readonly #keys
  readonly #deleteAt
  readonly #deleteOldest
  readonly #deleteBefore
  readonly #oldest
  readonly #page
  readonly #addRemoval
  readonly #deleteRemoval
  readonly #readRemovals
  /** By collection, the last change to each record of the batch. */
  #ops = new Map<number, Map<string, Op>>()
  #fresh = new Map<number, number>()
  #pass: { upTo: ReadonlyMap<number, number>; next: number } | undefined

  constructor(db: Database, options: { kept: number; maxBytes: number }) {
    this.#kept = options.kept
    this.#maxBytes = options.maxBytes
    this.#totals = new SampleTotals(db)
    this.#insert = db.prepare<
      [number, number, number, number, string, string, string, string, number, Uint8Array]
    >('INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
    const bytes = `length(json) + ${sampleRowBytes}`
    this.#delete = db
      .prepare<[number, string, number], number>(
        `DELETE FROM sample WHERE collection = ? AND rkey = ? AND element = ? RETURNING ${bytes}`,
      )
      .pluck()
    this.#keys = db.prepare<[number], { element: number; rkey: string; seq: number; time_us: number }>(
      'SELECT element, rkey, seq, time_us FROM sample INDEXED BY sample_by_record WHERE collection = ?',
    )
    this.#deleteAt = db
      .prepare<[number, number, number], number>(
        `DELETE FROM sample WHERE collection = ? AND time_us = ? AND seq = ? RETURNING ${bytes}`,
      )
      .pluck()
    this.#deleteOldest = db
      .prepare<[number, number, number], number>(
        `DELETE FROM sample WHERE collection = ? AND (time_us, seq) IN
           (SELECT time_us, seq FROM sample WHERE collection = ? ORDER BY time_us, seq LIMIT ?) RETURNING ${bytes}`,
      )
      .pluck()
    this.#deleteBefore = db
      .prepare<[number, number], number>(
        `DELETE FROM sample WHERE collection = ? AND time_us < ? RETURNING ${bytes}`,
      )
      .pluck()
    this.#oldest = db
      .prepare<[number], number>('SELECT time_us FROM sample WHERE collection = ? ORDER BY time_us LIMIT 1')
      .pluck()
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
    this.#totals.recount(this.#ops.keys())
    this.commit()
    this.#removals = this.#loadRemovals()
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

  /** How many there are, and what they take. */
  get totals(): SampleTotals {
    return this.#totals
  }

  /** Whether accounts are still to be removed, or all samples together take too much. */
  get isTidy(): boolean {
    return this.#removals.size === 0 && !this.#isOver
  }

  /** Goes on removing the samples of accounts, or the oldest where all take too much, in the transaction of the caller. */
  tidy(collections: number): void {
    if (this.#isOver) this.#dropOldest()
    else this.#goOn(collections)
  }

  get #isOver(): boolean {
    return this.#totals.bytes > this.#maxBytes
  }

  #goOn(collections: number): void {
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

  /** Removes those of the hour of the oldest one, as far as that is needed. */
  #dropOldest(): void {
    let oldest = Number.POSITIVE_INFINITY
    for (const { count, oldestUs } of this.#totals.all) if (count > 0) oldest = Math.min(oldest, oldestUs)
    const until = (Math.floor(oldest / hourUs) + 1) * hourUs
    for (const { collection, count, oldestUs } of this.#totals.all) {
      if (count === 0 || oldestUs >= until) continue
      const total = this.#total(collection)
      subtract(total, this.#deleteBefore.all(collection, until))
      total.oldestUs = this.#oldest.get(collection) ?? 0
      this.#totals.set(total)
      if (!this.#isOver) return
    }
  }

  #writeTo(collection: number, ops: readonly Op[]): void {
    const total = this.#total(collection)
    const remove = ({ element, rkey }: Pick<Op, 'element' | 'rkey'>): void => {
      if (total.count > 0) subtract(total, this.#delete.all(collection, rkey, element))
    }
    for (const op of ops) if (op.put?.kind !== 'create') remove(op)
    const puts: (Op & { put: NonNullable<Op['put']> })[] = []
    for (const { put, ...at } of ops) {
      if (!put) continue
      if (this.#isHidden(at)) remove(at)
      else puts.push({ ...at, put })
    }
    let most = mostSamples(this.#kept)
    // What would be let go of at once need not come in.
    if (puts.length > most) {
      puts.sort((a, b) => b.put.timeUs - a.put.timeUs || b.seq - a.seq)
      // Those that are there are few, and looking for each of the others takes longer than to read what there is.
      const there = new Set(this.#keys.all(collection).map(keyOf))
      for (const old of puts.splice(this.#kept)) if (there.has(keyOf(old))) remove(old)
      most = this.#kept
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
      total.oldestUs = total.count === 0 ? timeUs : Math.min(total.oldestUs, timeUs)
      total.count++
      total.bytes += json.length + sampleRowBytes
    }
    this.#totals.set(total)
    // Some more than are kept may be there, so that not each new one has to rewrite the page of an old one.
    if (total.count > most) this.#purge(collection)
    const { count } = this.#totals.get(collection)
    if (count > most) this.#dropOf(collection, count - this.#kept)
  }

  /** Removes the oldest of a collection. */
  #dropOf(collection: number, count: number): void {
    const total = this.#total(collection)
    subtract(total, this.#deleteOldest.all(collection, collection, count))
    total.oldestUs = this.#oldest.get(collection) ?? 0
    this.#totals.set(total)
  }

  /** Removes what is hidden of a collection. */
  #purge(collection: number): void {
    const total = this.#total(collection)
    if (this.#removals.size === 0 || total.count === 0) return
    const hidden = this.#keys.all(collection).filter(row => this.#isHidden(row))
    for (const { time_us, seq } of hidden) subtract(total, this.#deleteAt.all(collection, time_us, seq))
    if (hidden.length > 0) this.#totals.set(total)
  }

  /** A copy, to be changed and set. */
  #total(collection: number): Total {
    return { ...this.#totals.get(collection) }
  }

  #loadRemovals(): Map<number, number> {
    return new Map(this.#readRemovals.all().map(({ element, seq }) => [element, seq]))
  }

  #isHidden({ element, seq }: { element: number; seq: number }): boolean {
    return seq < (this.#removals.get(element) ?? 0)
  }
}

function keyOf({ element, rkey }: Pick<Op, 'element' | 'rkey'>): string {
  return `${element}/${rkey}`
}

function subtract(total: Total, removed: readonly number[]): void {
  total.count -= removed.length
  for (const bytes of removed) total.bytes -= bytes
}
