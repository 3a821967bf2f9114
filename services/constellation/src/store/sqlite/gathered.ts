import { doubled } from './bytes.ts'
import { compareListPlaces, type ListPlace } from './list-rows.ts'
import { hours, type Place, tidOfPlace } from './places.ts'
import type { KeptLink } from './records.ts'
import type { Rkey } from './rkey.ts'
import { placeOfKey } from './targets.ts'

/** Links of a record, by their numbers. */
export interface LinkRange {
  from: number
  count: number
}

/** Room for so many records or links in the beginning. */
export const initialRoom = 1_024

/** Of records: their places, when they came in (seconds), and their links. */
const recordColumns = (room: number) => ({
  ...placeColumns(room),
  time: new Int32Array(room),
  firstLink: new Int32Array(room),
  links: new Int32Array(room),
})

/**
 * Of links: the number of the source, where their targets lie, and where they are: the slot in the list, or below 0 until it
 * is written, then the number of the record.
 */
const linkColumns = (room: number) => ({
  ...placeColumns(room),
  source: new Int32Array(room),
  slot: new Int32Array(room),
})

/** Of places: hour and TID lie in the 64 bits of two columns, as there are no more of them. */
const placeColumns = (room: number) => ({
  high: new Uint32Array(room),
  low: new Uint32Array(room),
  did: new Int32Array(room),
  collection: new Int32Array(room),
})

type PlaceColumns = ReturnType<typeof placeColumns>

function setPlace(to: PlaceColumns, number: number, { hour, did, collection, tid }: Place): void {
  to.high[number] = hour * highSpan + Math.floor(tid / lowSpan)
  to.low[number] = tid % lowSpan
  to.did[number] = did
  to.collection[number] = collection
}

const lowSpan = 2 ** 32
/** What is left of a column beside an hour: its TIDs have 42 bits. */
const highSpan = 2 ** 11

function hourIn({ high }: PlaceColumns, number: number): number {
  return Math.floor(high[number]! / highSpan)
}

function tidIn({ high, low }: PlaceColumns, number: number): number {
  return (high[number]! % highSpan) * lowSpan + low[number]!
}

/**
 * What a transaction gathers: records and links by number, a column for each thing that is known of them. As objects, a
 * hundred thousand of them were more than half of the work, by what the garbage collector did to keep them.
 */
export class Gathered {
  record = recordColumns(initialRoom)
  link = linkColumns(initialRoom)
  /** The keys of records that are no TIDs, in UTF-8. */
  readonly texts = new Map<number, Uint8Array>()
  /** Those of targets that are no records with a TID, in UTF-8. */
  readonly linkTexts = new Map<number, Uint8Array>()
  #records = 0
  #links = 0

  /** How many there are. */
  get links(): number {
    return this.#links
  }

  /** Adds a record; its links are `links`. */
  addRecord(place: Place, time: number, links: LinkRange): number {
    const number = this.#records++
    if (number === this.record.did.length) this.record = grown(this.record)
    const { record, link } = this
    setPlace(record, number, place)
    if (place.text) this.texts.set(number, place.text)
    record.time[number] = time
    record.firstLink[number] = links.from
    record.links[number] = links.count
    link.slot.fill(-number, links.from, links.from + links.count)
    return number
  }

  /** Adds a link to what lies at a place. */
  addLink(source: number, place: Place, slot = 0): number {
    const number = this.#links++
    if (number === this.link.did.length) this.link = grown(this.link)
    const { link } = this
    link.source[number] = source
    setPlace(link, number, place)
    if (place.text) this.linkTexts.set(number, place.text)
    link.slot[number] = slot
    return number
  }

  /** Adds links as they are in the index. */
  addKept(links: readonly KeptLink[]): LinkRange {
    const from = this.links
    for (const { source, target, slot } of links) this.addLink(source, placeOfKey(target), slot)
    return { from, count: links.length }
  }

  /** Takes back the links that were added last. */
  dropLinks(from: number): void {
    if (this.linkTexts.size > 0) for (let i = from; i < this.#links; i++) this.linkTexts.delete(i)
    this.#links = from
  }

  hourOfRecord(number: number): number {
    return hourIn(this.record, number)
  }

  hourOfLink(link: number): number {
    return hourIn(this.link, link)
  }

  placeOf(number: number): Place {
    const { record } = this
    return {
      hour: hourIn(record, number),
      did: record.did[number]!,
      collection: record.collection[number]!,
      tid: tidIn(record, number),
      text: this.texts.get(number),
    }
  }

  /** Whether a record lies at a place. */
  isAt(number: number, { hour, did, collection, tid, text }: Place): boolean {
    const { record } = this
    if (record.did[number] !== did || tidIn(record, number) !== tid) return false
    if (hourIn(record, number) !== hour || record.collection[number] !== collection) return false
    return !text || Buffer.compare(this.texts.get(number)!, text) === 0
  }

  /** Gives a link its slot, once. Answers what its record has to say. */
  takeSlot(link: number, slot: number): { slot: number; did: number; time: number; rkey: Rkey } {
    const number = -this.link.slot[link]!
    this.link.slot[link] = slot
    const { did, time } = this.record
    return { slot, did: did[number]!, time: time[number]!, rkey: this.rkeyOf(number) }
  }

  rkeyOf(number: number): Rkey {
    const text = this.texts.get(number)
    if (text) return { text: Buffer.from(text) }
    return tidOfPlace(hourIn(this.record, number), tidIn(this.record, number))
  }

  /** Which list a link is in. */
  listOf(number: number): ListPlace {
    const { link } = this
    return {
      hour: hourIn(link, number),
      did: link.did[number]!,
      collection: link.collection[number]!,
      tid: tidIn(link, number),
      text: this.linkTexts.get(number),
      source: link.source[number]!,
    }
  }

  /** Below 0 where the first is of a list that comes first; 0 where they are of the same. */
  compareLists(a: number, b: number): number {
    const { link } = this
    const { high, low, did, collection, source } = link
    const hour = hourIn(link, a)
    const order = hour - hourIn(link, b)
    if (order === 0 && hour === hours.text) return compareListPlaces(this.listOf(a), this.listOf(b))
    return (
      order ||
      did[a]! - did[b]! ||
      collection[a]! - collection[b]! ||
      high[a]! - high[b]! ||
      low[a]! - low[b]! ||
      source[a]! - source[b]!
    )
  }

  /** Whether links are the same ones, slots aside. */
  areSame(a: LinkRange, b: LinkRange): boolean {
    if (a.count !== b.count) return false
    for (let i = 0; i < a.count; i++) if (this.compareLists(a.from + i, b.from + i) !== 0) return false
    return true
  }

  clear(): void {
    // What an import took room for need not be kept behind it.
    if (this.#records * muchRoom < this.record.did.length) this.record = recordColumns(initialRoom)
    if (this.#links * muchRoom < this.link.source.length) this.link = linkColumns(initialRoom)
    this.#records = 0
    this.#links = 0
    this.texts.clear()
    this.linkTexts.clear()
  }
}

/** Columns with so many times the room that is used are made anew. */
export const muchRoom = 64

function grown<Columns extends Record<string, Int32Array | Uint32Array>>(columns: Columns): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, doubled(column)]),
  ) as Columns
}
