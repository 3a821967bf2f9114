import { ByteReader, ByteWriter } from './bytes.ts'
import { cutBytes } from './stretches.ts'

// Which DIDs link, for lists that are too long to look through: by DID, the slots of its entries. Kept in stretches of
// rising DIDs, about four bytes each.
//
//   stretch = member …
//   member  = DID since the one before · slots
//   slots   = oldest × 2 + whether there are more · [how many more · slot since the one before …]

/** Reads a stretch from the front. The fields tell of the member that `next` came to. */
export class MemberReader {
  did = 0
  /** Where its slots begin and end. */
  from = 0
  to = 0
  readonly bytes: Uint8Array
  readonly #reader: ByteReader

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#reader = new ByteReader(bytes)
  }

  /** Goes on to the next member; false at the end. */
  next(): boolean {
    const reader = this.#reader
    if (reader.done) return false
    this.did += reader.varint()
    this.from = reader.at
    if (reader.varint() % 2 === 1) for (let more = reader.varint(); more > 0; more--) reader.varint()
    this.to = reader.at
    return true
  }

  /** Its slots, rising. */
  get slots(): number[] {
    const reader = new ByteReader(this.bytes, this.from)
    const first = reader.varint()
    let slot = Math.floor(first / 2)
    const slots = [slot]
    if (first % 2 === 1)
      for (let more = reader.varint(); more > 0; more--) slots.push((slot += reader.varint()))
    return slots
  }
}

/** A stretch that was written. */
export interface MemberRow {
  /** The first DID; undefined for the first row, which keeps what was its own. */
  first: number | undefined
  data: Buffer
}

const writer = new ByteWriter()

/** Writes members in order, from one stretch into the next: cut alike for about so many bytes as there will be. */
export class MemberWriter {
  readonly #cutAt: number
  readonly #rows: MemberRow[] = []
  #first: number | undefined
  #did = 0

  constructor(bytes: number, maxBytes: number) {
    this.#cutAt = cutBytes(bytes, maxBytes)
    writer.reset()
  }

  copy({ did, bytes, from, to }: MemberReader): void {
    this.#begin(did)
    writer.copy(bytes, from, to)
  }

  /** Writes slots, at least one of them, rising. */
  write(did: number, slots: readonly number[]): void {
    this.#begin(did)
    const [first, ...more] = slots
    writer.varint(first! * 2 + (more.length > 0 ? 1 : 0))
    if (more.length === 0) return
    writer.varint(more.length)
    let last = first!
    for (const slot of more) {
      writer.varint(slot - last)
      last = slot
    }
  }

  end(): MemberRow[] {
    this.#cut()
    return this.#rows
  }

  #begin(did: number): void {
    if (writer.length >= this.#cutAt) {
      this.#cut()
      this.#first = did
    }
    writer.varint(did - this.#did)
    this.#did = did
  }

  #cut(): void {
    if (writer.length > 0) this.#rows.push({ first: this.#first, data: writer.take() })
    writer.reset()
    this.#did = 0
  }
}

/** The slots of a DID, rising; empty where it is not there. */
export function slotsOf(bytes: Uint8Array, wanted: number): number[] {
  const reader = new MemberReader(bytes)
  while (reader.next()) {
    if (reader.did === wanted) return reader.slots
    if (reader.did > wanted) break
  }
  return []
}
