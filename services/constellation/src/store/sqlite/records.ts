import { ByteReader, ByteWriter } from './bytes.ts'
import type { Gathered } from './gathered.ts'
import { comparePlaces, firstBytes, hours, type Place } from './places.ts'
import { cutBytes, type MergedRow } from './stretches.ts'
import { skipTarget, writeTarget } from './targets.ts'

// What records link to, as rows of the tree by what links have it: in the order of their places.
//
//   row    = record …
//   record = number of links × 2 + whether the account and the collection are those of the record before
//          · [account since that of the record before · collection] · key · link …
//   key    = microseconds of the hour and clock of a TID in six bytes | length · UTF-8
//   link   = number of the source · target · slot in the list

/** A link of a record as it is kept. */
export interface KeptLink {
  source: number
  /** As `keyOfPlace` has it. */
  target: string
  /** 0 until its list is written. */
  slot: number
}

/** Reads a row from the front. The fields tell of the record that `next` came to. */
export class RecordReader implements Place {
  readonly hour: number
  did = 0
  collection = 0
  tid = 0
  /** A view of the row. */
  text: Uint8Array | undefined
  /** How many links it has, and where they begin and end. */
  count = 0
  linksFrom = 0
  linksTo = 0
  readonly #reader: ByteReader

  constructor(row: Uint8Array, hour: number) {
    this.hour = hour
    this.#reader = new ByteReader(row)
  }

  /** Goes on to the next record; false at the end. */
  next(): boolean {
    const reader = this.#reader
    if (reader.done) return false
    const head = reader.varint()
    this.count = Math.floor(head / 2)
    if (head % 2 === 0) {
      this.did += reader.varint()
      this.collection = reader.varint()
    }
    if (this.hour === hours.text) this.text = reader.take(reader.varint())
    else this.tid = reader.six()
    this.linksFrom = reader.at
    for (let i = 0; i < this.count; i++) {
      reader.varint()
      skipTarget(reader)
      reader.varint()
    }
    this.linksTo = reader.at
    return true
  }

  /** The links of the record, as they stand: a view of the row. */
  get linkBytes(): Uint8Array {
    return this.#reader.bytes.subarray(this.linksFrom, this.linksTo)
  }

  get links(): KeptLink[] {
    const reader = new ByteReader(this.#reader.bytes, this.linksFrom)
    return Array.from({ length: this.count }, () => {
      const source = reader.varint()
      const from = reader.at
      skipTarget(reader)
      const target = Buffer.from(reader.bytes.subarray(from, reader.at)).toString('latin1')
      return { source, target, slot: reader.varint() }
    })
  }
}

/** The links of a record in the row that has it, if one does. */
export function findLinks(row: Uint8Array, place: Place): KeptLink[] | undefined {
  const reader = new RecordReader(row, place.hour)
  while (reader.next()) {
    const order = comparePlaces(reader, place)
    if (order === 0) return reader.links
    if (order > 0) return undefined
  }
  return undefined
}

/**
 * A row with records put in, replaced and taken out; cut in as many rows as it takes for none to be longer than `maxBytes`,
 * unless it is one record. None where no record is left. The records that change are numbers in `gathered`, in order; one
 * without links is gone.
 */
export function mergeRecords(
  row: Uint8Array,
  hour: number,
  gathered: Gathered,
  changed: Uint32Array,
  maxBytes: number,
): MergedRow[] {
  const reader = new RecordReader(row, hour)
  const rows = new RowWriter(targetBytes(row.length, gathered, changed, maxBytes))
  let isThere = reader.next()
  for (const number of changed) {
    const place = gathered.placeOf(number)
    let order = -1
    while (isThere && (order = comparePlaces(reader, place)) < 0) {
      rows.copy(reader)
      isThere = reader.next()
    }
    if (isThere && order === 0) isThere = reader.next()
    if (gathered.record.links[number]! > 0) rows.write(place, gathered, number)
  }
  for (; isThere; isThere = reader.next()) rows.copy(reader)
  return rows.end()
}

/** How long rows are to become: alike, so that there is room in each. */
function targetBytes(rowBytes: number, gathered: Gathered, changed: Uint32Array, maxBytes: number): number {
  let bytes = rowBytes
  for (const number of changed) bytes += 10 + gathered.record.links[number]! * 16
  return cutBytes(bytes, maxBytes)
}

const writer = new ByteWriter()

/** Writes records in order, from one row into the next. */
class RowWriter {
  readonly #targetBytes: number
  readonly #rows: MergedRow[] = []
  #first: Buffer | undefined
  #did = 0
  #collection = 0

  constructor(target: number) {
    this.#targetBytes = target
    writer.reset()
  }

  copy(record: RecordReader): void {
    this.#head(record, record.count)
    writer.bytes(record.linkBytes)
  }

  write(place: Place, gathered: Gathered, number: number): void {
    const { record, link } = gathered
    const from = record.firstLink[number]!
    const to = from + record.links[number]!
    this.#head(place, to - from)
    for (let i = from; i < to; i++) {
      writer.varint(link.source[i]!)
      writeTarget(writer, gathered.listOf(i))
      writer.varint(link.slot[i]!)
    }
  }

  end(): MergedRow[] {
    this.#cut()
    return this.#rows
  }

  #head(place: Place, count: number): void {
    if (writer.length >= this.#targetBytes) {
      this.#cut()
      this.#first = firstBytes(place)
      this.#did = 0
      this.#collection = 0
    }
    const { did, collection, tid, text } = place
    const isSame = did === this.#did && collection === this.#collection
    writer.varint(count * 2 + (isSame ? 1 : 0))
    if (!isSame) writer.varint(did - this.#did).varint(collection)
    this.#did = did
    this.#collection = collection
    if (text) writer.varint(text.length).bytes(text)
    else writer.six(tid)
  }

  #cut(): void {
    if (writer.length > 0) this.#rows.push({ first: this.#first, data: writer.take() })
    writer.reset()
  }
}
