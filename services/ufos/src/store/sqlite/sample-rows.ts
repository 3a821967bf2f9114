import type { Database } from '@orrery/storage'
import type { Sample } from '../../store.ts'
import { sampleRowBytes } from './sample-totals.ts'

/** A sample's place in its collection: they are kept in the order of their times, and of their numbers where those are equal. */
export type Place = Pick<Sample, 'timeUs' | 'seq'>

/** How many there are of something, and what they take. */
export interface Size {
  count: number
  bytes: number
}

/** What tells a record's row of those of its collection. */
export interface RecordKey {
  rkey: string
  element: number
}

export interface SampleKey extends RecordKey {
  /** Of the row. */
  id: number
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

/** A sample, but for what all of its collection have in common. */
export type OwnSample = Omit<Sample, 'collection'>

export interface NewSample extends Omit<OwnSample, 'json'>, RecordKey {
  collection: number
  json: Uint8Array
}

/** The table of samples. */
export class SampleRows {
  readonly #insert
  readonly #delete
  readonly #keys
  readonly #seqOf
  readonly #deleteById
  readonly #placeOf
  readonly #sizeBefore
  readonly #deleteBefore
  readonly #page

  constructor(db: Database) {
    const bytes = `size + ${sampleRowBytes}`
    this.#insert = db.prepare<
      [number, number, number, number, string, string, string, string, number, number, Uint8Array]
    >('INSERT INTO sample VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
    this.#delete = db
      .prepare<[number, string, number], number>(
        `DELETE FROM sample WHERE collection = ? AND rkey = ? AND element = ? RETURNING ${bytes}`,
      )
      .pluck()
    this.#keys = db.prepare<[number], SampleKey>(
      'SELECT id, element, rkey FROM sample INDEXED BY sample_by_record WHERE collection = ?',
    )
    this.#seqOf = db.prepare<[number], number>('SELECT seq FROM sample WHERE id = ?').pluck()
    this.#deleteById = db
      .prepare<[number], number>(`DELETE FROM sample WHERE id = ? RETURNING ${bytes}`)
      .pluck()
    this.#placeOf = db.prepare<[number, number], Place>(
      'SELECT time_us AS timeUs, seq FROM sample WHERE collection = ? ORDER BY time_us, seq LIMIT 1 OFFSET ?',
    )
    this.#sizeBefore = db.prepare<[number, number, number], Size>(
      `SELECT count(*) AS count, IFNULL(sum(${bytes}), 0) AS bytes FROM sample
       WHERE collection = ? AND (time_us, seq) < (?, ?)`,
    )
    this.#deleteBefore = db.prepare<[number, number, number]>(
      'DELETE FROM sample WHERE collection = ? AND (time_us, seq) < (?, ?)',
    )
    this.#page = db.prepare<[number, number, number], Row>(
      `SELECT did, rkey, rev, cid, is_update, time_us, seq, element, CAST(json AS TEXT) AS json FROM sample
       WHERE collection = ? AND (time_us, seq) < (?, ?) ORDER BY time_us DESC, seq DESC`,
    )
  }

  /** False where its record is there already, and stays as it is. */
  insert(sample: NewSample): boolean {
    const { collection, timeUs, seq, element, did, rkey, rev, cid, isUpdate, json } = sample
    const update = isUpdate ? 1 : 0
    const { changes } = this.#insert.run(
      collection,
      timeUs,
      seq,
      element,
      did,
      rkey,
      rev,
      cid,
      update,
      json.length,
      json,
    )
    return changes > 0
  }

  /** Removes a record; the bytes it took, undefined where it was not there. */
  remove(collection: number, { rkey, element }: RecordKey): number | undefined {
    return this.#delete.get(collection, rkey, element)
  }

  /** The same of a row. */
  removeRow({ id }: SampleKey): number | undefined {
    return this.#deleteById.get(id)
  }

  /** Removes all before a place. */
  removeBefore(collection: number, { timeUs, seq }: Place): Size {
    const size = this.#sizeBefore.get(collection, timeUs, seq)!
    if (size.count > 0) this.#deleteBefore.run(collection, timeUs, seq)
    return size
  }

  /** The records of a collection. Reads no samples. */
  keys(collection: number): SampleKey[] {
    return this.#keys.all(collection)
  }

  /** The number of a sample. */
  seqOf({ id }: SampleKey): number {
    return this.#seqOf.get(id)!
  }

  /** Where the sample is that has so many before it; undefined where there are not so many. */
  placeBehind(collection: number, count: number): Place | undefined {
    return this.#placeOf.get(collection, count)
  }

  /** Those of a collection before a place, newest first, with the account's hash. */
  *before(
    collection: number,
    { timeUs, seq }: Place,
  ): Generator<{ element: number; sample: OwnSample }, void> {
    for (const { element, is_update, time_us, ...row } of this.#page.iterate(collection, timeUs, seq)) {
      yield { element, sample: { ...row, isUpdate: is_update === 1, timeUs: time_us } }
    }
  }
}
