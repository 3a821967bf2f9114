import { Sketch } from '@orrery/hll'
import type { Database } from '@orrery/storage'
import { type Counts, type MaybeWindow, noCounts } from '../../store.ts'
import { cover, hourOf, type Level, type Run, type Window } from '../../time.ts'
import type { Cells } from './cells.ts'
import type { Collection, Collections } from './collections.ts'
import { cellKey } from './levels.ts'
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
  key: number
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
    const where = 'FROM cell WHERE key >= ? AND key < ?'
    this.#rows = db.prepare<[number, number], Row>(
      `SELECT key, creates, updates, deletes, dids, sketch ${where}`,
    )
    this.#sketches = db.prepare<[number, number], [number, Buffer]>(`SELECT key, sketch ${where}`).raw()
    this.#counts = db.prepare<[number, number], Omit<Row, 'sketch'>>(
      `SELECT key, creates, updates, deletes, dids ${where}`,
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

  /** Counts the accounts of all time anew where they changed. */
  refresh(): void {
    for (const collection of this.#collections.sorted) this.#cells.dids(collection)
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
    if (!window) {
      const ever = this.#cells.ever(id)
      if (ever) sum.merge(ever)
      return
    }
    for (const { level, from, to } of cover(this.#clamp(window))) {
      const open = this.#openCells(id, { level, from, to })
      const first = cellKey(id, level, 0)
      for (const [key, bytes] of this.#sketches.all(first + from, first + to)) {
        if (!open.has(key - first)) sum.mergeBytes(bytes)
        letGo(bytes)
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
      // Where each window is one cell its number of accounts is known, and no sketch has to be read.
      const needsSketches = own.some(({ isAlone }) => !isAlone)
      let at = 0
      for (const run of joined(own)) {
        this.#eachCell(
          id,
          run,
          (number, cell) => {
            while (own[at]!.to <= number) at++
            const { of, isAlone } = own[at]!
            const sum = sums[of]!
            sum.creates += cell.creates
            sum.updates += cell.updates
            sum.deletes += cell.deletes
            if (isAlone) sum.dids = cell.dids
            else {
              let sketch = sketches.get(of)
              if (!sketch) sketches.set(of, (sketch = new Sketch()))
              if (cell.sketch instanceof Sketch) sketch.merge(cell.sketch)
              else {
                sketch.mergeBytes(cell.sketch)
                letGo(cell.sketch)
              }
            }
          },
          needsSketches,
        )
      }
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
    const first = cellKey(id, level, 0)
    const rows = (needsSketches ? this.#rows : this.#counts).all(first + from, first + to) as Row[]
    if (open.size === 0) {
      for (const row of rows) use(row.key - first, row)
      return
    }
    const found: [number, Counts & { sketch: Sketch | Buffer }][] = [...open]
    for (const row of rows) if (!open.has(row.key - first)) found.push([row.key - first, row])
    for (const [number, cell] of found.toSorted(([a], [b]) => a - b)) use(number, cell)
  }

  /** The cells of a collection that are in memory, by their number. */
  #openCells(id: number, { level, from, to }: Run): Map<number, Counts & { sketch: Sketch }> {
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

/** Frees a blob's memory at once: until V8 comes to it, 60 MB of them gather, and then many queries wait for V8. */
function letGo({ buffer }: Buffer): void {
  ;(buffer as ArrayBuffer).transfer(0)
}

/** Runs of one level, those that touch as one: what is between the others is not read. */
function joined(runs: readonly Run[]): Run[] {
  const all: Run[] = []
  for (const { level, from, to } of runs) {
    const last = all.at(-1)
    if (last?.to === from) last.to = to
    else all.push({ level, from, to })
  }
  return all
}
