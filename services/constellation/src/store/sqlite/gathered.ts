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
  hour: new Int32Array(room),
  did: new Int32Array(room),
  collection: new Int32Array(room),
  tid: new Float64Array(room),
  time: new Int32Array(room),
  firstLink: new Int32Array(room),
  links: new Int32Array(room),
})

/**
 * Of links: the number of the source, where their targets lie, the slot in the list (0 until it is written), and the record
 * (below 0: none of those here).
 */
const linkColumns = (room: number) => ({
  source: new Int32Array(room),
  hour: new Int32Array(room),
  did: new Int32Array(room),
  collection: new Int32Array(room),
  tid: new Float64Array(room),
  slot: new Int32Array(room),
  record: new Int32Array(room),
})

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
    if (number === this.record.hour.length) this.record = grown(this.record)
    const { record, link } = this
    record.hour[number] = place.hour
    record.did[number] = place.did
    record.collection[number] = place.collection
    record.tid[number] = place.tid
    if (place.text) this.texts.set(number, place.text)
    record.time[number] = time
    record.firstLink[number] = links.from
    record.links[number] = links.count
    link.record.fill(number, links.from, links.from + links.count)
    return number
  }

  /** Adds a link to what lies at a place. */
  addLink(source: number, { hour, did, collection, tid, text }: Place, slot = 0): number {
    const number = this.#links++
    if (number === this.link.source.length) this.link = grown(this.link)
    const { link } = this
    link.source[number] = source
    link.hour[number] = hour
    link.did[number] = did
    link.collection[number] = collection
    link.tid[number] = tid
    if (text) this.linkTexts.set(number, text)
    link.slot[number] = slot
    link.record[number] = -1
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

  placeOf(number: number): Place {
    const { hour, did, collection, tid } = this.record
    return {
      hour: hour[number]!,
      did: did[number]!,
      collection: collection[number]!,
      tid: tid[number]!,
      text: this.texts.get(number),
    }
  }

  rkeyOf(number: number): Rkey {
    const text = this.texts.get(number)
    if (text) return { text: Buffer.from(text) }
    return tidOfPlace(this.record.hour[number]!, this.record.tid[number]!)
  }

  /** Which list a link is in. */
  listOf(link: number): ListPlace {
    const { source, hour, did, collection, tid } = this.link
    return {
      hour: hour[link]!,
      did: did[link]!,
      collection: collection[link]!,
      tid: tid[link]!,
      text: this.linkTexts.get(link),
      source: source[link]!,
    }
  }

  /** Below 0 where the first is of a list that comes first; 0 where they are of the same. */
  compareLists(a: number, b: number): number {
    const { source, hour, did, collection, tid } = this.link
    if (hour[a] === hours.text && hour[b] === hours.text)
      return compareListPlaces(this.listOf(a), this.listOf(b))
    return (
      hour[a]! - hour[b]! ||
      did[a]! - did[b]! ||
      collection[a]! - collection[b]! ||
      tid[a]! - tid[b]! ||
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
    if (this.#records * muchRoom < this.record.hour.length) this.record = recordColumns(initialRoom)
    if (this.#links * muchRoom < this.link.source.length) this.link = linkColumns(initialRoom)
    this.#records = 0
    this.#links = 0
    this.texts.clear()
    this.linkTexts.clear()
  }
}

/** Columns with so many times the room that is used are made anew. */
export const muchRoom = 64

function grown<Columns extends Record<string, Int32Array | Float64Array>>(columns: Columns): Columns {
  const larger = Object.entries(columns).map(([name, column]) => {
    const room = column.length * 2
    const copy = column instanceof Int32Array ? new Int32Array(room) : new Float64Array(room)
    copy.set(column)
    return [name, copy]
  })
  return Object.fromEntries(larger) as Columns
}
