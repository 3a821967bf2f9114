import type { Database } from '@orrery/storage'
import { EntryReader } from './entries.ts'
import { compareListPlaces, findList, type List, type ListPlace, ListRowReader } from './list-rows.ts'
import { chunkAtOrBelow } from './lists.ts'
import { memberAtOrBelow } from './member-tree.ts'
import { slotsOf } from './members.ts'
import { comparePlaces, firstBytes, hours, type Place } from './places.ts'
import { dayKey, hoursOf, longKey } from './schema.ts'
import { prepareFindStretch, prepareNextStretch } from './stretches.ts'

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

/** A list, and which one it is. */
export type ListRow = ListPlace & List

/** Reads lists, short and long alike. A walk reads a run at a time, so that it costs what it passes. */
export class ListReader {
  readonly #find
  readonly #next
  readonly #dayFrom
  readonly #atOrBelow
  readonly #atOrAbove
  readonly #member

  constructor(db: Database) {
    this.#find = prepareFindStretch(db, 'list')
    this.#next = prepareNextStretch(db, 'list')
    this.#dayFrom = db.prepare<[number, number], { id: number; hours: number }>(
      'SELECT id, hours FROM linked_day WHERE id >= ? AND id < ? ORDER BY id LIMIT 1',
    )
    this.#atOrBelow = chunkAtOrBelow(db)
    this.#atOrAbove = db.prepare<[number, number], { id: number; data: Buffer }>(
      'SELECT id, data FROM chunk WHERE id >= ? AND id <= ? ORDER BY id LIMIT 1',
    )
    this.#member = memberAtOrBelow(db)
  }

  row(place: Place, source: number): ListRow | undefined {
    const at = { ...place, source }
    const row = this.#find(place.hour, firstBytes(place, source))
    const list = row && findList(row.data, at)
    return list && rowOf(list)
  }

  /** The lists of a target, by source. */
  *ofTarget(target: Place): Generator<ListRow, void> {
    for (const list of this.#from({ ...target, source: 0 })) {
      if (comparePlaces(list, target) !== 0) return
      yield list
    }
  }

  /** The lists of what is under an account: of itself, its records hour by hour, the rest. Behind one of them, if told. */
  *underAccount(did: number, after?: ListPlace): Generator<ListRow, void> {
    for (const hour of this.#hoursUnder(did, after?.hour)) {
      const text = hour === hours.text ? new Uint8Array() : undefined
      const isWithin = after?.hour === hour
      const from = isWithin ? after : { hour, did, collection: 0, tid: 0, text, source: 0 }
      for (const list of this.#from(from)) {
        if (list.did !== did) break
        if (!isWithin || compareListPlaces(list, after) > 0) yield list
      }
    }
  }

  /** Hours in which there are lists of what is under an account, from one of them on. */
  *#hoursUnder(did: number, from: number = hours.did): Generator<number, void> {
    if (from === hours.did) yield from
    if (from !== hours.text) {
      const first = from === hours.did ? 0 : from
      const end = dayKey(did + 1, 0)
      let day = this.#dayFrom.get(dayKey(did, first), end)
      for (; day; day = this.#dayFrom.get(day.id + 1, end)) {
        for (const hour of hoursOf(day)) if (hour >= first) yield hour
      }
    }
    yield hours.text
  }

  /** The lists of an hour from a place on. */
  *#from(place: ListPlace): Generator<ListRow, void> {
    let row = this.#find(place.hour, firstBytes(place, place.source))
    while (row?.hour === place.hour) {
      const reader = new ListRowReader(row.data, place.hour)
      while (reader.next()) if (compareListPlaces(reader, place) >= 0) yield rowOf(reader)
      row = this.#next.get(row.hour, row.first)
    }
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
    if (list.long === undefined) {
      return entriesOf(list.run).find(entry => entry.time >= time)?.slot ?? list.slots
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
    if (list.long === undefined) {
      return entriesOf(list.run)
        .filter(entry => entry.did === did)
        .map(({ slot }) => slot)
    }
    const row = this.#member.get(longKey(list.long, 0), longKey(list.long, did))
    return row ? slotsOf(row.data, did) : []
  }

  /** The slots of many DIDs' entries, by DID; those without any are left out. */
  slotsOfAll(list: ListRow, dids: ReadonlySet<number>): Map<number, number[]> {
    const slots = new Map<number, number[]>()
    if (list.long === undefined) {
      for (const { did, slot } of entriesOf(list.run)) {
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

  /** The last run that begins below a slot, and where that is. */
  #runBelow(list: ListRow, below: number): { from: number; data: Buffer } | undefined {
    if (below <= 0) return undefined
    if (list.long === undefined) {
      return list.run && { from: 0, data: list.run }
    }
    const first = longKey(list.long, 0)
    const row = this.#atOrBelow.get(first, first + Math.min(below, list.slots) - 1)
    return row && { from: row.id - first, data: row.data }
  }

  /** The first run that begins at a slot or behind it. */
  #runFrom(list: ListRow, from: number): { from: number; data: Buffer } | undefined {
    if (from >= list.slots) return undefined
    if (list.long === undefined) return from === 0 ? this.#runBelow(list, 1) : undefined
    const first = longKey(list.long, 0)
    const row = this.#atOrAbove.get(first + from, first + list.slots)
    return row && { from: row.id - first, data: row.data }
  }
}

/** What a reader stands at. */
function rowOf(reader: ListRowReader): ListRow {
  const { hour, did, collection, tid, text, source, records, dids, slots, long, run } = reader
  return { hour, did, collection, tid, text, source, records, dids, slots, long, run }
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
