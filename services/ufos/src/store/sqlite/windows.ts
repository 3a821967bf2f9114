import { Sketch } from '@orrery/hll'
import type { Database } from '@orrery/storage'
import { type Counts, type MaybeWindow, noCounts } from '../../store.ts'
import { cover, hourOf, type Level, type Run, type Window } from '../../time.ts'
import type { Cells } from './cells.ts'
import type { Collection, Collections } from './collections.ts'
import { levelNumbers } from './levels.ts'
import type { Tallies } from './tally.ts'

/** Counts without accounts, and the most and the least of accounts that they can be of. */
export interface Sum {
  collection: Collection
  creates: number
  updates: number
  deletes: number
  /** Accounts, if each was there in one hour, day or week alone. */
  atMost: number
  /** Accounts in the hour, day or week that had most. */
  atLeast: number
}

interface Row extends Counts {
  number: number
  sketch: Buffer
}

/** Reads windows of time: sums of counts from tallies, accounts from the sketches of cells. What is in memory comes first. */
export class Windows {
  readonly #collections: Collections
  readonly #cells: Cells
  readonly #tallies: Tallies
  readonly #rows
  readonly #counts
  readonly #sketches

  constructor(db: Database, parts: { collections: Collections; cells: Cells; tallies: Tallies }) {
    this.#collections = parts.collections
    this.#cells = parts.cells
    this.#tallies = parts.tallies
    const where = 'FROM cell WHERE collection = ? AND level = ? AND number >= ? AND number < ?'
    this.#rows = db.prepare<[number, number, number, number], Row>(
      `SELECT number, creates, updates, deletes, dids, sketch ${where}`,
    )
    this.#sketches = db
      .prepare<[number, number, number, number], [number, Buffer]>(`SELECT number, sketch ${where}`)
      .raw()
    this.#counts = db.prepare<[number, number, number, number], Omit<Row, 'sketch'>>(
      `SELECT number, creates, updates, deletes, dids ${where}`,
    )
  }

  /** The sums of these collections, all of them where nothing is said, that have any in the window. */
  sums(window: MaybeWindow, of: readonly Collection[] = this.#collections.sorted): Sum[] {
    if (!window) return of.map(collection => this.#everOf(collection))
    const size = this.#collections.endId
    const columns = () => new Float64Array(size)
    const [creates, updates, deletes, atMost, atLeast] = [
      columns(),
      columns(),
      columns(),
      columns(),
      columns(),
    ]
    const addDids = (id: number, dids: number): void => {
      atMost[id]! += dids
      if (dids > atLeast[id]!) atLeast[id] = dids
    }
    for (const { level, from, to } of cover(this.#clamp(window))) {
      for (let number = from; number < to; number++) {
        const open = this.#cells.open(level, number)
        const tally = this.#tallies.get(level, number)
        const ids = tally.collections
        for (let i = 0; i < ids.length; i++) {
          const id = ids[i]!
          if (open?.has(id)) continue
          creates[id]! += tally.creates[i]!
          updates[id]! += tally.updates[i]!
          deletes[id]! += tally.deletes[i]!
          addDids(id, tally.dids[i]!)
        }
        for (const [id, cell] of open ?? []) {
          creates[id]! += cell.creates
          updates[id]! += cell.updates
          deletes[id]! += cell.deletes
          addDids(id, cell.sketch.count())
        }
      }
    }
    const sums: Sum[] = []
    for (const collection of of) {
      const { id } = collection
      if (atMost[id] === 0) continue
      sums.push({
        collection,
        creates: creates[id]!,
        updates: updates[id]!,
        deletes: deletes[id]!,
        atMost: atMost[id]!,
        atLeast: atLeast[id]!,
      })
    }
    return sums
  }

  /** The same of one collection. */
  counts(collection: Collection | undefined, window: MaybeWindow): Counts {
    if (!collection) return noCounts
    if (window) return this.series(collection.id, [window])[0]!
    const { creates, updates, deletes } = collection
    return { creates, updates, deletes, dids: this.#cells.dids(collection) }
  }

  /** How many accounts there are in the window, each once. Where they are all in one cell, that is known. */
  dids({ collection, atMost, atLeast }: Sum, window: MaybeWindow): number {
    if (atMost === atLeast) return atMost
    if (!window) return this.#cells.dids(collection)
    const sum = new Sketch()
    this.merge(sum, collection.id, window)
    return sum.count()
  }

  /** Joins the accounts of a collection in a window into a sketch. */
  merge(sum: Sketch, id: number, window: MaybeWindow): void {
    const runs: (Run | { level: 'ever'; from: number; to: number })[] = window
      ? cover(this.#clamp(window))
      : [{ level: 'ever', from: 0, to: 1 }]
    for (const { level, from, to } of runs) {
      const open = this.#openCells(id, { level, from, to })
      for (const [number, bytes] of this.#sketches.all(id, levelNumbers[level], from, to)) {
        if (!open.has(number)) sum.mergeBytes(bytes)
      }
      for (const cell of open.values()) sum.merge(cell.sketch)
    }
  }

  /** The counts of each window; they rise and do not overlap. */
  series(id: number, windows: readonly Window[]): Counts[] {
    const all: Counts[] = []
    // So that never more than so many sketches are in memory.
    for (let at = 0; at < windows.length; at += windowsTogether) {
      all.push(...this.#series(id, windows.slice(at, at + windowsTogether)))
    }
    return all
  }

  #series(id: number, windows: readonly Window[]): Counts[] {
    const sums = windows.map(() => ({ ...noCounts }))
    const sketches = new Map<number, Sketch>()
    const spans: Record<Level, (Run & { of: number; isAlone: boolean })[]> = {
      hour: [],
      quarter: [],
      day: [],
      week: [],
    }
    for (const [of, window] of windows.entries()) {
      const runs = cover(window)
      const isAlone = runs.length === 1 && runs[0]!.to === runs[0]!.from + 1
      for (const run of runs) spans[run.level].push({ ...run, of, isAlone })
    }
    for (const own of Object.values(spans)) {
      const [first] = own
      if (!first) continue
      const whole: Run = { level: first.level, from: first.from, to: own.at(-1)!.to }
      let at = 0
      // Where each window is one cell its number of accounts is known, and no sketch has to be read.
      const needsSketches = own.some(({ isAlone }) => !isAlone)
      this.#eachCell(
        id,
        whole,
        (number, cell) => {
          while (own[at]!.to <= number) at++
          const { from, of, isAlone } = own[at]!
          if (number < from) return
          const sum = sums[of]!
          sum.creates += cell.creates
          sum.updates += cell.updates
          sum.deletes += cell.deletes
          if (isAlone) sum.dids = cell.dids
          else {
            let sketch = sketches.get(of)
            if (!sketch) sketches.set(of, (sketch = new Sketch()))
            if (cell.sketch instanceof Sketch) sketch.merge(cell.sketch)
            else sketch.mergeBytes(cell.sketch)
          }
        },
        needsSketches,
      )
    }
    for (const [of, sketch] of sketches) sums[of]!.dids = sketch.count()
    return sums
  }

  /** Goes through the cells of a collection, by their number; those in memory in place of those in the table. */
  #eachCell(
    id: number,
    run: Run,
    use: (number: number, cell: Counts & { sketch: Sketch | Buffer }) => void,
    needsSketches = true,
  ): void {
    const open = this.#openCells(id, run)
    const { level, from, to } = run
    const rows = (needsSketches ? this.#rows : this.#counts).all(id, levelNumbers[level], from, to) as Row[]
    if (open.size === 0) {
      for (const row of rows) use(row.number, row)
      return
    }
    const found: [number, Counts & { sketch: Sketch | Buffer }][] = [...open]
    for (const row of rows) if (!open.has(row.number)) found.push([row.number, row])
    for (const [number, cell] of found.toSorted(([a], [b]) => a - b)) use(number, cell)
  }

  /** The cells of a collection that are in memory, by their number. */
  #openCells(
    id: number,
    { level, from, to }: { level: Level | 'ever'; from: number; to: number },
  ): Map<number, Counts & { sketch: Sketch }> {
    const open = new Map<number, Counts & { sketch: Sketch }>()
    for (const number of this.#cells.openNumbers(level)) {
      const cell = number >= from && number < to && this.#cells.open(level, number)!.get(id)
      if (cell) open.set(number, { ...cell, dids: cell.sketch.count() })
    }
    return open
  }

  /** What of a window there can be anything in. */
  #clamp({ since, until }: Window): Window {
    const { firstUs, lastUs } = this.#collections.all
    return { since: Math.max(since, hourOf(firstUs)), until: Math.min(until, hourOf(lastUs) + 1) }
  }

  #everOf(collection: Collection): Sum {
    const { creates, updates, deletes } = collection
    const dids = this.#cells.dids(collection)
    return { collection, creates, updates, deletes, atMost: dids, atLeast: dids }
  }
}

const windowsTogether = 32
