import { ByteWriter } from './bytes.ts'
import type { KeptLink, RecordPlace } from './records.ts'
import { tidOfPlace } from './records.ts'
import type { Rkey } from './rkey.ts'

/** Links of a record, by their numbers. */
export interface LinkRange {
  from: number
  count: number
}

/**
 * What a transaction gathers: records and links by number, a column for each thing that is known of them. As objects, a
 * hundred thousand of them were more than half of the work, by what the garbage collector did to keep them.
 */
export class Gathered {
  /** Of records: their places, when they came in (seconds), and their links. */
  readonly record = {
    hour: [] as number[],
    did: [] as number[],
    collection: [] as number[],
    tid: [] as number[],
    text: new Map<number, Uint8Array>(),
    time: [] as number[],
    firstLink: [] as number[],
    links: [] as number[],
  }
  /** Of links: the number of the source, the slot in the list (0 until it is written), and whose it is (below 0: nobody's who is here). */
  readonly link = {
    source: [] as number[],
    slot: [] as number[],
    record: [] as number[],
    keyAt: [] as number[],
  }
  /** The keys of the targets, one after the other. */
  readonly keys = new ByteWriter()

  get records(): number {
    return this.record.hour.length
  }

  get links(): number {
    return this.link.source.length
  }

  /** Adds a record; its links are `links`. */
  addRecord({ hour, did, collection, tid, text }: RecordPlace, time: number, links: LinkRange): number {
    const { record } = this
    const number = this.records
    record.hour.push(hour)
    record.did.push(did)
    record.collection.push(collection)
    record.tid.push(tid)
    if (text) record.text.set(number, text)
    record.time.push(time)
    record.firstLink.push(links.from)
    record.links.push(links.count)
    for (let i = links.from; i < links.from + links.count; i++) this.link.record[i] = number
    return number
  }

  /** Adds a link whose key was written to `keys` from a place on. */
  addLink(source: number, keyFrom: number, slot = 0): number {
    const { link } = this
    link.source.push(source)
    link.slot.push(slot)
    link.record.push(-1)
    link.keyAt.push(keyFrom)
    return this.links - 1
  }

  /** Adds links as they are in the index. */
  addKept(links: readonly KeptLink[]): LinkRange {
    const from = this.links
    for (const { source, target, slot } of links) {
      const keyFrom = this.keys.length
      this.keys.latin1(target)
      this.addLink(source, keyFrom, slot)
    }
    return { from, count: links.length }
  }

  /** Takes back the links that were added last. */
  dropLinks(from: number): void {
    const { link } = this
    if (from < this.links) this.keys.cutTo(link.keyAt[from]!)
    for (const column of Object.values(link)) column.length = from
  }

  placeOf(number: number): RecordPlace {
    const { hour, did, collection, tid, text } = this.record
    return {
      hour: hour[number]!,
      did: did[number]!,
      collection: collection[number]!,
      tid: tid[number]!,
      text: text.get(number),
    }
  }

  rkeyOf(number: number): Rkey {
    const text = this.record.text.get(number)
    if (text) return { text: Buffer.from(text) }
    return tidOfPlace(this.record.hour[number]!, this.record.tid[number]!)
  }

  /** The key of a link's target: good until a key is added. */
  keyOf(link: number): Buffer {
    return this.keys.view(this.link.keyAt[link]!, this.#keyEnd(link))
  }

  /** The number that a link's key begins with. */
  keyHead(link: number): number {
    return this.keys.orderedAt(this.link.keyAt[link]!)
  }

  /** Below 0 where the first is of a list that comes first; 0 where they are of the same. */
  compareLists(a: number, b: number): number {
    const { keyAt, source } = this.link
    return (
      this.keys.compare(keyAt[a]!, this.#keyEnd(a), keyAt[b]!, this.#keyEnd(b)) || source[a]! - source[b]!
    )
  }

  /** Whether links are the same ones, slots aside. */
  areSame(a: LinkRange, b: LinkRange): boolean {
    if (a.count !== b.count) return false
    for (let i = 0; i < a.count; i++) if (this.compareLists(a.from + i, b.from + i) !== 0) return false
    return true
  }

  clear(): void {
    for (const column of Object.values(this.link)) column.length = 0
    const { text, ...columns } = this.record
    text.clear()
    for (const column of Object.values(columns)) column.length = 0
    this.keys.reset()
  }

  #keyEnd(link: number): number {
    const { keyAt } = this.link
    return link + 1 < keyAt.length ? keyAt[link + 1]! : this.keys.length
  }
}
