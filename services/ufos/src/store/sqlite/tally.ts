import type { Database } from '@orrery/storage'
import { LRUCache } from 'lru-cache'
import type { Counts } from '../../store.ts'
import type { Level } from '../../time.ts'
import { tallyKey } from './levels.ts'

/** The counts of all collections in one hour, day or week, in columns, by rising collection. */
export interface Tally {
  collections: Uint32Array
  creates: Uint32Array
  updates: Uint32Array
  deletes: Uint32Array
  dids: Uint32Array
}

/** Bytes of tallies that are kept ready. */
const cacheBytes = 24 * 1024 * 1024
const columns = 5
const columnBytes = 4

const empty: Tally = {
  collections: new Uint32Array(),
  creates: new Uint32Array(),
  updates: new Uint32Array(),
  deletes: new Uint32Array(),
  dids: new Uint32Array(),
}

/** The table of tallies, with a memory of those that were read. */
export class Tallies {
  readonly #read
  readonly #write
  readonly #cache = new LRUCache<number, Tally>({
    maxSize: cacheBytes,
    sizeCalculation: ({ collections }) => 200 + collections.length * columns * columnBytes,
  })

  constructor(db: Database) {
    this.#read = db.prepare<[number], Buffer>('SELECT counts FROM tally WHERE key = ?').pluck()
    this.#write = db.prepare<[number, Uint8Array]>('INSERT OR REPLACE INTO tally VALUES (?, ?)')
  }

  get(level: Level, number: number): Tally {
    const key = tallyKey(level, number)
    let tally = this.#cache.get(key)
    if (!tally) {
      const bytes = this.#read.get(key)
      tally = bytes ? decodeTally(bytes) : empty
      this.#cache.set(key, tally)
    }
    return tally
  }

  /** Writes the counts of some collections over those that are there. */
  put(level: Level, number: number, counts: ReadonlyMap<number, Counts>): void {
    const old = this.get(level, number)
    const merged = new Map<number, Counts>()
    for (const [i, collection] of old.collections.entries()) merged.set(collection, countsAt(old, i))
    for (const [collection, one] of counts) merged.set(collection, one)
    const rows = [...merged].toSorted(([a], [b]) => a - b)
    const bytes = encodeTally(rows)
    const key = tallyKey(level, number)
    this.#write.run(key, bytes)
    this.#cache.delete(key)
  }

  /** After a transaction that failed, nothing that is remembered is known to be so. */
  forget(): void {
    this.#cache.clear()
  }
}

export function countsAt({ creates, updates, deletes, dids }: Tally, i: number): Counts {
  return { creates: creates[i]!, updates: updates[i]!, deletes: deletes[i]!, dids: dids[i]! }
}

/** Columns of four bytes each, in the byte order of the machine. What is beyond four bytes in an hour, day or week stays at the highest. */
export function encodeTally(rows: readonly (readonly [collection: number, counts: Counts])[]): Uint8Array {
  const count = rows.length
  const numbers = new Uint32Array(count * columns)
  const most = 0xffff_ffff
  for (const [i, [collection, { creates, updates, deletes, dids }]] of rows.entries()) {
    numbers[i] = collection
    numbers[count + i] = Math.min(most, creates)
    numbers[2 * count + i] = Math.min(most, updates)
    numbers[3 * count + i] = Math.min(most, deletes)
    numbers[4 * count + i] = Math.min(most, dids)
  }
  return new Uint8Array(numbers.buffer)
}

function decodeTally(bytes: Buffer): Tally {
  const numbers = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  const count = bytes.length / columnBytes / columns
  const column = (i: number): Uint32Array => numbers.subarray(i * count, (i + 1) * count)
  return {
    collections: column(0),
    creates: column(1),
    updates: column(2),
    deletes: column(3),
    dids: column(4),
  }
}
