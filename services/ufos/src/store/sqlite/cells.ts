import { Sketch } from '@orrery/hll'
import type { Database } from '@orrery/storage'
import type { Counts } from '../../store.ts'
import { type Level, levelHours, levels } from '../../time.ts'
import { allId, type Collection, type Collections } from './collections.ts'
import type { Delta } from './deltas.ts'
import { cellKey, tallyKey } from './levels.ts'
import type { Tallies } from './tally.ts'

/** What happened to a collection in an hour, day or week, or ever. */
export interface Cell {
  creates: number
  updates: number
  deletes: number
  readonly sketch: Sketch
}

/** The cells of one hour, day or week, or of ever, that are in memory. They are newer than those in the table. */
interface Bucket {
  readonly level: Level | 'ever'
  readonly number: number
  /** Nothing of it was in the table when it came, so that what is not here is not there either. */
  readonly isNew: boolean
  readonly cells: Map<number, Cell>
  readonly dirty: Set<number>
}

interface Row extends Omit<Cell, 'sketch'> {
  sketch: Buffer
}

/** Registers of so many sketches may be in memory, 16 kB each. */
const maxDense = 3_000

/**
 * The counts that change, in memory, over the tables that they are written to now and then. Whoever reads must look here
 * first. What is here and not yet there is in the journal.
 */
export class Cells {
  readonly #collections: Collections
  readonly #tallies: Tallies
  readonly #buckets = new Map<number, Bucket>()
  readonly #read
  readonly #write
  #dense = 0
  #newestHour = 0

  constructor(db: Database, collections: Collections, tallies: Tallies) {
    this.#collections = collections
    this.#tallies = tallies
    this.#read = db.prepare<[number], Row>('SELECT creates, updates, deletes, sketch FROM cell WHERE key = ?')
    this.#write = db.prepare<[number, number, number, number, number, Uint8Array]>(
      'INSERT OR REPLACE INTO cell VALUES (?, ?, ?, ?, ?, ?)',
    )
  }

  /** Whether so much is in memory that it should be written at once. */
  get isFull(): boolean {
    return this.#dense > maxDense
  }

  /** The cells of an hour, day or week that are in memory. */
  open(level: Level | 'ever', number: number): ReadonlyMap<number, Cell> | undefined {
    return this.#buckets.get(tallyKey(level, number))?.cells
  }

  /** Of which hours, days or weeks there are cells in memory. */
  openNumbers(level: Level | 'ever'): number[] {
    return [...this.#buckets.values()].filter(bucket => bucket.level === level).map(({ number }) => number)
  }

  /**
   * The sketch of all time, not to be changed; undefined where nothing happened. Large ones that were asked for stay in
   * memory, while there is room.
   */
  ever(collection: number): Sketch | undefined {
    const bucket = this.#bucket('ever', 0)
    const known = bucket.cells.get(collection)
    if (known) return known.sketch
    const row = this.#read.get(cellKey(collection, 'ever', 0))
    if (!row) return undefined
    const cell = { ...row, sketch: Sketch.fromBytes(row.sketch) }
    if (!cell.sketch.isExact && this.#dense < maxDense / 2) {
      bucket.cells.set(collection, cell)
      this.#dense++
    }
    return cell.sketch
  }

  /** The accounts of all time, counted anew where something changed. */
  dids(collection: Collection): number {
    if (collection.isStale) {
      collection.dids = this.ever(collection.id)!.count()
      collection.isStale = false
    }
    return collection.dids
  }

  apply(deltas: readonly Delta[]): void {
    for (const delta of deltas) {
      this.#add(delta.collection, delta)
      this.#add(allId, delta)
      this.#newestHour = Math.max(this.#newestHour, delta.hour)
    }
  }

  /** Writes what changed, in the transaction of the caller, who says afterwards that it was committed. */
  write(): void {
    for (const { level, number, cells, dirty } of this.#buckets.values()) {
      const tally = new Map<number, Counts>()
      for (const collection of dirty) {
        const { creates, updates, deletes, sketch } = cells.get(collection)!
        const dids = sketch.count()
        const bytes = sketch.toBytes()
        this.#write.run(cellKey(collection, level, number), creates, updates, deletes, dids, bytes)
        tally.set(collection, { creates, updates, deletes, dids })
        if (level === 'ever') this.#collections.touch(this.#collections.get(collection))
      }
      if (level !== 'ever' && dirty.size > 0) this.#tallies.put(level, number, tally)
    }
  }

  /** After `write` was committed: nothing is dirty, and what is over is let go of; all of it where it is much. */
  written(): void {
    for (const collection of this.#buckets.get(tallyKey('ever', 0))?.dirty ?? []) {
      this.dids(this.#collections.get(collection))
    }
    const isMuch = this.#dense > maxDense / 2
    for (const [key, { level, number, dirty }] of this.#buckets) {
      dirty.clear()
      const isOver = level !== 'ever' && (number + 1) * levelHours[level] <= this.#newestHour
      if (isMuch || isOver) this.#buckets.delete(key)
    }
    if (isMuch) this.#dense = 0
    else this.#recount()
  }

  #add(collection: number, delta: Delta): void {
    const sketches = [
      ...levels.map(level =>
        this.#count(level, Math.floor(delta.hour / levelHours[level]), collection, delta),
      ),
      this.#count('ever', 0, collection, delta),
    ]
    // Each sketch has all that the one before has: what changes nothing there changes nothing behind.
    let reached = 0
    for (const element of delta.elements) {
      let i = 0
      while (i < sketches.length && this.#addTo(sketches[i]!, element)) i++
      if (i === sketches.length) reached++
    }
    const own = this.#collections.get(collection)
    own.creates += delta.creates
    own.updates += delta.updates
    own.deletes += delta.deletes
    own.firstUs = Math.min(own.firstUs, delta.firstUs)
    own.lastUs = Math.max(own.lastUs, delta.lastUs)
    own.isStale ||= reached > 0
  }

  #addTo(sketch: Sketch, element: number): boolean {
    const wasExact = sketch.isExact
    const isNew = sketch.add(element)
    if (wasExact && !sketch.isExact) this.#dense++
    return isNew
  }

  #count(level: Level | 'ever', number: number, collection: number, delta: Delta): Sketch {
    const bucket = this.#bucket(level, number)
    const cell = this.#get(bucket, collection)
    cell.creates += delta.creates
    cell.updates += delta.updates
    cell.deletes += delta.deletes
    bucket.dirty.add(collection)
    return cell.sketch
  }

  #bucket(level: Level | 'ever', number: number): Bucket {
    const key = tallyKey(level, number)
    let bucket = this.#buckets.get(key)
    if (!bucket) {
      const isNew = level !== 'ever' && this.#tallies.get(level, number).collections.length === 0
      bucket = { level, number, isNew, cells: new Map(), dirty: new Set() }
      this.#buckets.set(key, bucket)
    }
    return bucket
  }

  #get({ level, number, isNew, cells }: Bucket, collection: number): Cell {
    let cell = cells.get(collection)
    if (!cell) {
      const row = isNew ? undefined : this.#read.get(cellKey(collection, level, number))
      cell = row
        ? { ...row, sketch: Sketch.fromBytes(row.sketch) }
        : { creates: 0, updates: 0, deletes: 0, sketch: new Sketch() }
      if (!cell.sketch.isExact) this.#dense++
      cells.set(collection, cell)
    }
    return cell
  }

  #recount(): void {
    this.#dense = 0
    for (const { cells } of this.#buckets.values()) {
      for (const { sketch } of cells.values()) if (!sketch.isExact) this.#dense++
    }
  }
}
