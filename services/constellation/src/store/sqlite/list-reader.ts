import type { Database } from '@orrery/storage'
import { EntryReader } from './entries.ts'
import { chunkAtOrBelow } from './lists.ts'
import { memberAtOrBelow } from './member-tree.ts'
import { slotsOf } from './members.ts'
import { longKey } from './schema.ts'

/** An entry of a list that is there. */
export interface Entry {
  slot: number
  did: number
  /** Whether its DID has an older one in the list. */
  isAgain: boolean
  /** When it came, seconds as they are kept. */
  time: number
  rkey: string
}

export interface ListRow {
  target: Buffer
  source: number
  records: number
  dids: number
  slots: number
  long: number | null
}

/** Reads lists, short and long alike. A walk reads a run at a time, so that it costs what it passes. */
export class ListReader {
  readonly #row
  readonly #data
  readonly #atOrBelow
  readonly #atOrAbove
  readonly #member

  constructor(db: Database) {
    this.#row = db.prepare<[Buffer, number], ListRow>(
      'SELECT target, source, records, dids, slots, long FROM list WHERE target = ? AND source = ?',
    )
    this.#data = db.prepare<[Buffer, number], { data: Buffer | null }>(
      'SELECT data FROM list WHERE target = ? AND source = ?',
    )
    this.#atOrBelow = chunkAtOrBelow(db)
    this.#atOrAbove = db.prepare<[number, number], { id: number; data: Buffer }>(
      'SELECT id, data FROM chunk WHERE id >= ? AND id <= ? ORDER BY id LIMIT 1',
    )
    this.#member = memberAtOrBelow(db)
  }

  row(target: Buffer, source: number): ListRow | undefined {
    return this.#row.get(target, source)
  }

  /** Entries below a slot, newest first. */
  *down(list: ListRow, below: number): Generator<Entry, void> {
    for (let run = this.#runBelow(list, below); run; run = this.#runBelow(list, run.from)) {
      yield* entriesOf(run.data)
        .filter(({ slot }) => slot < below)
        .toReversed()
    }
  }

  /** Entries from a slot on, oldest first. */
  *up(list: ListRow, from: number): Generator<Entry, void> {
    let run = this.#runBelow(list, from + 1) ?? this.#runFrom(list, from)
    while (run) {
      yield* entriesOf(run.data).filter(({ slot }) => slot >= from)
      run = this.#runFrom(list, run.from + 1)
    }
  }

  /** The first slot whose entry came at a time or later; the number of slots where none did. */
  firstSlotAt(list: ListRow, time: number): number {
    if (list.long === null) {
      return entriesOf(this.#short(list)).find(entry => entry.time >= time)?.slot ?? list.slots
    }
    let low = 0
    let high = list.slots
    // To a run's length first; what is left is looked through.
    while (high - low > 256) {
      const middle = (low + high) >>> 1
      const run = this.#runBelow(list, middle + 1)
      if (run && new EntryReader(run.data).time >= time) high = middle
      else low = middle
    }
    // A run that begins before the time may reach into it.
    const from = this.#runBelow(list, low + 1)?.from ?? low
    for (const entry of this.up(list, from)) if (entry.time >= time) return entry.slot
    return list.slots
  }

  /** The slots of a DID's entries, rising. */
  slotsOf(list: ListRow, did: number): number[] {
    if (list.long === null) {
      return entriesOf(this.#short(list))
        .filter(entry => entry.did === did)
        .map(({ slot }) => slot)
    }
    const row = this.#member.get(longKey(list.long, 0), longKey(list.long, did))
    return row ? slotsOf(row.data, did) : []
  }

  /** The slots of many DIDs' entries, by DID; those without any are left out. */
  slotsOfAll(list: ListRow, dids: ReadonlySet<number>): Map<number, number[]> {
    const slots = new Map<number, number[]>()
    if (list.long === null) {
      for (const { did, slot } of entriesOf(this.#short(list))) {
        if (!dids.has(did)) continue
        const own = slots.get(did)
        if (own) own.push(slot)
        else slots.set(did, [slot])
      }
      return slots
    }
    for (const did of dids) {
      const own = this.slotsOf(list, did)
      if (own.length > 0) slots.set(did, own)
    }
    return slots
  }

  /** The entry of a slot that is not empty. */
  entry(list: ListRow, slot: number): Entry {
    const run = this.#runBelow(list, slot + 1)
    const found = run && entriesOf(run.data).find(entry => entry.slot === slot)
    if (!found) throw new RangeError(`the index has no entry in slot ${slot}`)
    return found
  }

  #short(list: ListRow): Buffer | undefined {
    return this.#data.get(list.target, list.source)?.data ?? undefined
  }

  /** The last run that begins below a slot, and where that is. */
  #runBelow(list: ListRow, below: number): { from: number; data: Buffer } | undefined {
    if (below <= 0) return undefined
    if (list.long === null) {
      const data = this.#short(list)
      return data && { from: 0, data }
    }
    const first = longKey(list.long, 0)
    const row = this.#atOrBelow.get(first, first + Math.min(below, list.slots) - 1)
    return row && { from: row.id - first, data: row.data }
  }

  /** The first run that begins at a slot or behind it. */
  #runFrom(list: ListRow, from: number): { from: number; data: Buffer } | undefined {
    if (from >= list.slots) return undefined
    if (list.long === null) return from === 0 ? this.#runBelow(list, 1) : undefined
    const first = longKey(list.long, 0)
    const row = this.#atOrAbove.get(first + from, first + list.slots)
    return row && { from: row.id - first, data: row.data }
  }
}

function entriesOf(run: Buffer | undefined): Entry[] {
  const entries: Entry[] = []
  if (!run) return entries
  const reader = new EntryReader(run)
  while (reader.next()) {
    const { slot, did, isAgain, time } = reader
    if (did !== 0) entries.push({ slot, did, isAgain, time, rkey: reader.rkey })
  }
  return entries
}
