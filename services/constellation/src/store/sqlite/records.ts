import { ByteReader, ByteWriter } from './bytes.ts'
import type { Gathered } from './gathered.ts'
import { formatTid, type Rkey, type Tid } from './rkey.ts'
import { takeTargetKey } from './targets.ts'

// What records link to, as rows of an hour of record keys have it: by account, collection and key, all rising. Keys are
// about as old as their records, so what comes in goes where the rows were touched a moment ago, whoever it is of.
//
//   row    = record …
//   record = number of links × 2 + whether the account and the collection are those of the record before
//          · [account since that of the record before · collection] · key · link …
//   key    = microseconds of the hour and clock of a TID in six bytes | length · UTF-8
//   link   = number of the source · key of the target · slot in the list

/** A link of a record as it is kept. */
export interface KeptLink {
  source: number
  /** Its key. */
  target: string
  /** 0 until its list is written. */
  slot: number
}

/** Which record, in the numbers that put records in order. */
export interface RecordPlace {
  /** Of its key, since 1970; `textHour` where that is no TID. */
  hour: number
  did: number
  collection: number
  /** The microseconds of a TID within its hour × 1024 + its clock. */
  tid: number
  /** Any other key, in UTF-8. */
  text: Uint8Array | undefined
}

const hourMicros = 3_600_000_000

/** Beyond the hours of all TIDs that `parseRkey` takes for one. */
export const textHour = 2 ** 20

export function placeOf(did: number, collection: number, rkey: Rkey): RecordPlace {
  if ('text' in rkey) return { hour: textHour, did, collection, tid: 0, text: rkey.text }
  const hour = Math.floor(rkey.micros / hourMicros)
  const tid = (rkey.micros - hour * hourMicros) * 1024 + rkey.clock
  return { hour, did, collection, tid, text: undefined }
}

/** The TID that a place stands for. */
export function tidOfPlace(hour: number, tid: number): Tid {
  return { micros: hour * hourMicros + Math.floor(tid / 1024), clock: tid % 1024 }
}

/** The record key of a place. */
export function rkeyOf({ hour, tid, text }: RecordPlace): string {
  if (text) return Buffer.from(text).toString()
  const { micros, clock } = tidOfPlace(hour, tid)
  return formatTid(micros, clock)
}

/** Below 0 where the first comes first. */
export function comparePlaces(a: RecordPlace, b: RecordPlace): number {
  return (
    a.hour - b.hour ||
    a.did - b.did ||
    a.collection - b.collection ||
    (a.text && b.text ? Buffer.compare(a.text, b.text) : a.tid - b.tid)
  )
}

/** A place within its hour as bytes, in the same order. */
export function firstBytes({ did, collection, tid, text }: RecordPlace): Buffer {
  const bytes = Buffer.allocUnsafe(9 + (text?.length ?? 6))
  bytes.writeUIntBE(did, 0, 5)
  bytes.writeUInt32BE(collection, 5)
  if (text) bytes.set(text, 9)
  else bytes.writeUIntBE(tid, 9, 6)
  return bytes
}

/** Reads a row from the front. The fields tell of the record that `next` came to. */
export class RecordReader implements RecordPlace {
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
    if (this.hour === textHour) this.text = reader.take(reader.varint())
    else {
      const { bytes, at } = reader
      reader.skip(6)
      const low =
        ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0
      this.tid = (bytes[at]! * 256 + bytes[at + 1]!) * 2 ** 32 + low
    }
    this.linksFrom = reader.at
    for (let i = 0; i < this.count; i++) {
      reader.varint()
      takeTargetKey(reader)
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
      const target = Buffer.from(takeTargetKey(reader)).toString('latin1')
      return { source, target, slot: reader.varint() }
    })
  }
}

/** The links of a record in the row that has it, if one does. */
export function findLinks(row: Uint8Array, place: RecordPlace): KeptLink[] | undefined {
  const reader = new RecordReader(row, place.hour)
  while (reader.next()) {
    const order = comparePlaces(reader, place)
    if (order === 0) return reader.links
    if (order > 0) return undefined
  }
  return undefined
}

/** A row that came out of a merge. */
export interface RecordRow {
  /** Undefined for that of the row that was. */
  first: Buffer | undefined
  data: Buffer
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
): RecordRow[] {
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
  return Math.min(maxBytes, bytes / Math.ceil(bytes / maxBytes) + 32)
}

const writer = new ByteWriter()

/** Writes records in order, from one row into the next. */
class RowWriter {
  readonly #targetBytes: number
  readonly #rows: RecordRow[] = []
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

  write(place: RecordPlace, gathered: Gathered, number: number): void {
    const { record, link } = gathered
    const from = record.firstLink[number]!
    const to = from + record.links[number]!
    this.#head(place, to - from)
    for (let i = from; i < to; i++)
      writer.varint(link.source[i]!).bytes(gathered.keyOf(i)).varint(link.slot[i]!)
  }

  end(): RecordRow[] {
    this.#cut()
    return this.#rows
  }

  #head(place: RecordPlace, count: number): void {
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
