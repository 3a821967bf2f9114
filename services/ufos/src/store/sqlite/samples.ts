import type { Database } from '@orrery/storage'
import { mostSamples } from '../../store.ts'
import { hourUs } from '../../time.ts'
import { type Batch, kinds } from './batch.ts'
import type { Group } from './grouped.ts'
import { lastPuts } from './last-puts.ts'
import { type OwnSample, type Place, type RecordKey, SampleRows, type Size } from './sample-rows.ts'
import { sampleRowBytes, SampleTotals, type Total } from './sample-totals.ts'

/** Collections whose samples are looked through in one step of removing those of accounts. */
const collectionsPerStep = 100

/**
 * The newest records of each collection. Deletes find a record by its key; accounts that are removed are hidden at once, and
 * their samples are removed as all collections are gone through.
 */
export class Samples {
  readonly #kept: number
  readonly #maxBytes: number
  /** How many there are, and what they take. */
  readonly totals: SampleTotals
  readonly #rows: SampleRows
  readonly #addRemoval
  readonly #deleteRemoval
  readonly #readRemovals
  /** Accounts that are hidden up to a number. */
  #removals: Map<number, number>
  #pass: { upTo: ReadonlyMap<number, number>; next: number } | undefined

  constructor(db: Database, options: { kept: number; maxBytes: number }) {
    this.#kept = options.kept
    this.#maxBytes = options.maxBytes
    this.totals = new SampleTotals(db)
    this.#rows = new SampleRows(db)
    this.#addRemoval = db.prepare<[number, number]>('INSERT OR REPLACE INTO removal VALUES (?, ?)')
    this.#deleteRemoval = db.prepare<[number, number]>('DELETE FROM removal WHERE element = ? AND seq = ?')
    this.#readRemovals = db.prepare<[], { element: number; seq: number }>('SELECT element, seq FROM removal')
    this.#removals = this.#loadRemovals()
  }

  /**
   * Does what a batch says, in the transaction of the caller, who calls `rollback` if it comes to nothing. The changes have
   * the numbers from `firstSeq` on.
   */
  write(batch: Batch, groups: readonly Group[], firstSeq: number): void {
    const { length, kinds: kindOf, elements } = batch.columns
    for (let i = 0; i < length; i++) {
      if (kindOf[i] !== kinds.removeAccount) continue
      this.#addRemoval.run(elements[i]!, firstSeq + i)
      this.#removals.set(elements[i]!, firstSeq + i)
    }
    for (const group of groups) this.#writeTo(batch, group, firstSeq)
  }

  /** After `write` of something in these collections came to nothing. */
  rollback(collections: Iterable<number>): void {
    this.totals.recount(collections)
    this.#removals = this.#loadRemovals()
    this.#pass = undefined
  }

  /** The newest of a collection, newest first, of one byte or more; `isCut` where there are more, but too many bytes. */
  page(
    collection: number,
    { limit, before, maxBytes }: { limit: number; before: Place; maxBytes: number },
  ): { items: OwnSample[]; isCut: boolean } {
    const items: OwnSample[] = []
    let bytes = 0
    for (const { element, sample } of this.#rows.before(collection, before)) {
      if (this.#isHidden(element, sample.seq)) continue
      if (bytes >= maxBytes) return { items, isCut: true }
      items.push(sample)
      bytes += sample.json.length
      if (items.length === limit) break
    }
    return { items, isCut: false }
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
    return this.totals.bytes > this.#maxBytes
  }

  #goOn(collections: number): void {
    this.#pass ??= { upTo: new Map(this.#removals), next: 0 }
    const { upTo, next } = this.#pass
    const end = Math.min(collections, next + collectionsPerStep)
    for (let id = next; id < end; id++) {
      const total = this.#total(id)
      this.#purge(total)
      if (total.count < this.totals.get(id).count) this.totals.set(total)
    }
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
    for (const { count, oldestUs } of this.totals.all) if (count > 0) oldest = Math.min(oldest, oldestUs)
    const until = (Math.floor(oldest / hourUs) + 1) * hourUs
    for (const { collection, count, oldestUs } of this.totals.all) {
      if (count === 0 || oldestUs >= until) continue
      const total = this.#total(collection)
      subtract(total, this.#rows.removeBefore(collection, { timeUs: until, seq: 0 }))
      total.oldestUs = this.#rows.placeBehind(collection, 0)?.timeUs ?? 0
      this.totals.set(total)
      if (!this.#isOver) return
    }
  }

  #writeTo(batch: Batch, { collection, places }: Group, firstSeq: number): void {
    const total = this.#total(collection)
    let most = mostSamples(this.#kept)
    const isHidden = (i: number): boolean => this.#isHidden(batch.columns.elements[i]!, firstSeq + i)
    let puts = lastPuts(batch, { places, isHidden, enough: most + 1 })
    if (puts.length > most) {
      // What would be let go of at once need not come in, and all that is older than what comes in goes.
      most = this.#kept
      puts = puts.slice(-this.#kept)
      const oldest = { timeUs: batch.columns.times[puts[0]!]!, seq: firstSeq + puts[0]! }
      subtract(total, this.#rows.removeBefore(collection, oldest))
      this.#removeAny(batch, places, total)
    } else for (const i of places) if (!isNew(batch, i)) this.#remove(batch, i, total)
    for (const i of puts) this.#insert(batch, i, total, firstSeq)
    // Some more than are kept may be there, so that not each new one has to rewrite the page of an old one.
    if (total.count > most) this.#purge(total)
    if (total.count > most) this.#dropOf(total)
    this.totals.set(total)
  }

  #insert(batch: Batch, i: number, total: Total, firstSeq: number): void {
    const { kinds: kindOf, elements, times } = batch.columns
    const timeUs = times[i]!
    const json = batch.json(i)
    const sample = {
      collection: total.collection,
      timeUs,
      seq: firstSeq + i,
      element: elements[i]!,
      did: batch.did(i),
      rkey: batch.rkey(i),
      rev: batch.rev(i),
      cid: batch.cid(i),
      isUpdate: kindOf[i] === kinds.update,
      json,
    }
    // Most records that are created were not there before.
    if (!this.#rows.insert(sample)) {
      this.#remove(batch, i, total)
      this.#rows.insert(sample)
    }
    total.oldestUs = total.count === 0 ? timeUs : Math.min(total.oldestUs, timeUs)
    total.count++
    total.bytes += json.length + sampleRowBytes
  }

  /** Removes the record of a change, where it is there. */
  #remove(batch: Batch, i: number, total: Total): void {
    if (total.count === 0) return
    const key: RecordKey = { rkey: batch.rkey(i), element: batch.columns.elements[i]! }
    subtractOne(total, this.#rows.remove(total.collection, key))
  }

  /** The same of many changes. Looking for each takes longer than reading what there is, which is little. */
  #removeAny(batch: Batch, places: Uint32Array, total: Total): void {
    if (total.count === 0) return
    const there = new Set(this.#rows.keys(total.collection).map(({ rkey }) => rkey))
    for (const i of places) if (there.has(batch.rkey(i))) this.#remove(batch, i, total)
  }

  /** Removes the oldest of a collection, down to as many as are kept. */
  #dropOf(total: Total): void {
    const { collection, count } = total
    const first = this.#rows.placeBehind(collection, count - this.#kept)!
    subtract(total, this.#rows.removeBefore(collection, first))
    total.oldestUs = first.timeUs
  }

  /** Removes what is hidden of a collection. */
  #purge(total: Total): void {
    const { collection, count } = total
    if (this.#removals.size === 0 || count === 0) return
    for (const row of this.#rows.keys(collection)) {
      const { element } = row
      // Few accounts are, so few samples have to be read.
      if (!this.#removals.has(element)) continue
      if (this.#isHidden(element, this.#rows.seqOf(row))) subtractOne(total, this.#rows.removeRow(row))
    }
  }

  /** A copy, to be changed and set. */
  #total(collection: number): Total {
    return { ...this.totals.get(collection) }
  }

  #loadRemovals(): Map<number, number> {
    return new Map(this.#readRemovals.all().map(({ element, seq }) => [element, seq]))
  }

  #isHidden(element: number, seq: number): boolean {
    return this.#removals.size > 0 && seq < (this.#removals.get(element) ?? 0)
  }
}

/** Whether a change may be of a record that was never there. */
function isNew(batch: Batch, i: number): boolean {
  return batch.columns.kinds[i] === kinds.create && batch.hasJson(i)
}

function subtract(total: Total, { count, bytes }: Size): void {
  total.count -= count
  total.bytes -= bytes
}

function subtractOne(total: Total, bytes: number | undefined): void {
  if (bytes !== undefined) subtract(total, { count: 1, bytes })
}
