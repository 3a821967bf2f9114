import { ByteReader, ByteWriter } from './bytes.ts'
import { comparePlaces, compareTexts, firstBytes, hours, type Place } from './places.ts'
import { cutBytes, type MergedRow } from './stretches.ts'

// Rows of the tree by what is linked to: lists in the order of their targets' places, and by source where these are the
// same.
//
//   row  = list …
//   list = flags · [account since that of the list before · collection] · [key] · source · records · [accounts · next slot]
//          · [number of a long list | length of the run · run]
//   key  = microseconds of the hour and clock of a TID in six bytes | length · UTF-8

/** Account and collection are those of the list before. */
const sameCollection = 1
/** So is the whole target. */
const sameTarget = 2
/** Its entries are elsewhere. */
const isLong = 4
/** It has entries, here. */
const hasRun = 8
/** Each of its slots has an entry of another account. */
const isPlain = 16

/** A list as it is kept. */
export interface List {
  records: number
  dids: number
  /** The next slot; the first was 1. */
  slots: number
  /** The number of a long list. */
  long: number | undefined
  /** The entries of a short one; undefined where it has none. */
  run: Buffer | undefined
}

/** Which list: what it is of. */
export type ListPlace = Place & { source: number }

export function compareListPlaces(a: ListPlace, b: ListPlace): number {
  return comparePlaces(a, b) || a.source - b.source
}

/** Reads a row from the front. The fields tell of the list that `next` came to. */
export class ListRowReader implements ListPlace, List {
  readonly hour: number
  did = 0
  collection = 0
  tid = 0
  /** A view of the row. */
  text: Uint8Array | undefined
  source = 0
  records = 0
  dids = 0
  slots = 1
  long: number | undefined
  /** Where what follows the key begins, and the run, and where the list ends. */
  #tailFrom = 0
  #runFrom = 0
  #end = 0
  #flags = 0
  readonly #reader: ByteReader

  constructor(row: Uint8Array, hour: number) {
    this.hour = hour
    this.#reader = new ByteReader(row)
  }

  /** Goes on to the next list; false at the end. */
  next(): boolean {
    const reader = this.#reader
    if (reader.done) return false
    const flags = reader.byte()
    this.#flags = flags
    if ((flags & sameCollection) === 0) {
      this.did += reader.varint()
      this.collection = reader.varint()
    }
    if ((flags & sameTarget) === 0) {
      if (this.hour === hours.text) this.text = reader.take(reader.varint())
      else if (this.hour < hours.text) this.tid = reader.six()
    }
    this.#tailFrom = reader.at
    this.source = reader.varint()
    this.records = reader.varint()
    if ((flags & isPlain) === 0) {
      this.dids = reader.varint()
      this.slots = reader.varint()
    } else {
      this.dids = this.records
      this.slots = this.records + 1
    }
    this.long = (flags & isLong) === 0 ? undefined : reader.varint()
    const length = (flags & hasRun) === 0 ? 0 : reader.varint()
    this.#runFrom = reader.at
    reader.skip(length)
    this.#end = reader.at
    return true
  }

  /** A view of the row. */
  get run(): Buffer | undefined {
    if (this.#runFrom === this.#end) return undefined
    const { buffer, byteOffset } = this.#reader.bytes
    return Buffer.from(buffer, byteOffset + this.#runFrom, this.#end - this.#runFrom)
  }

  /** All behind the key, as it stands: a view of the row. */
  get tail(): Uint8Array {
    return this.#reader.bytes.subarray(this.#tailFrom, this.#end)
  }

  /** The flags that tell of the tail. */
  get tailFlags(): number {
    return this.#flags & (isLong | hasRun | isPlain)
  }
}

/** The list of a place in the row that has it, if one does. */
export function findList(row: Uint8Array, place: ListPlace): ListRowReader | undefined {
  const reader = new ListRowReader(row, place.hour)
  while (reader.next()) {
    const order = compareListPlaces(reader, place)
    if (order === 0) return reader
    if (order > 0) return undefined
  }
  return undefined
}

const writer = new ByteWriter()
const tailWriter = new ByteWriter()

/**
 * Writes lists in order, from one row into the next: cut so that none is longer than `maxBytes`, unless it is one list.
 * `bytes` are about as many as there will be.
 */
export class ListRowWriter {
  readonly #cutAt: number
  readonly #maxBytes: number
  readonly #rows: MergedRow[] = []
  #first: Buffer | undefined
  /** The target before, in this row. */
  #isFirst = true
  #did = 0
  #collection = 0
  #tid = 0
  #text: Uint8Array | undefined

  constructor(bytes: number, maxBytes: number) {
    this.#cutAt = cutBytes(bytes, maxBytes)
    this.#maxBytes = maxBytes
    writer.reset()
  }

  copy(list: ListRowReader): void {
    this.#add(list, list.tailFlags, list.tail)
  }

  write(place: ListPlace, { records, dids, slots, long, run }: List): void {
    const plain = dids === records && slots === records + 1
    tailWriter.reset().varint(place.source).varint(records)
    if (!plain) tailWriter.varint(dids).varint(slots)
    if (long !== undefined) tailWriter.varint(long)
    if (run) tailWriter.varint(run.length).bytes(run)
    const flags = (plain ? isPlain : 0) + (long === undefined ? 0 : isLong) + (run ? hasRun : 0)
    this.#add(place, flags, tailWriter.view(0, tailWriter.length))
  }

  end(): MergedRow[] {
    this.#cut()
    return this.#rows
  }

  #add(place: ListPlace, tailFlags: number, tail: Uint8Array): void {
    const { length } = writer
    if (length > 0 && (length >= this.#cutAt || length + tail.length > this.#maxBytes)) {
      this.#cut()
      this.#first = firstBytes(place, place.source)
    }
    const { hour, did, collection, tid, text } = place
    const isSame = !this.#isFirst && did === this.#did && collection === this.#collection
    const isSameTarget =
      isSame && (text && this.#text ? compareTexts(text, this.#text) === 0 : tid === this.#tid)
    writer.byte(tailFlags + (isSame ? sameCollection : 0) + (isSameTarget ? sameTarget : 0))
    if (!isSame) writer.varint(did - this.#did).varint(collection)
    if (!isSameTarget) {
      if (text) writer.varint(text.length).bytes(text)
      else if (hour < hours.text) writer.six(tid)
    }
    writer.bytes(tail)
    this.#isFirst = false
    this.#did = did
    this.#collection = collection
    this.#tid = tid
    this.#text = text
  }

  #cut(): void {
    if (writer.length > 0) this.#rows.push({ first: this.#first, data: writer.take() })
    writer.reset()
    this.#isFirst = true
    this.#did = 0
  }
}
