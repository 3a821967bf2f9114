import { writeBase32, writeBase64 } from '../base.ts'
import { asBuffer, type ByteSink, copyBytes } from '../bytes.ts'
import { RepoError } from '../errors.ts'
import { contentAt, isTextAt, lengthAt, uint32At } from './reader.ts'
import { Tape } from './tape.ts'
import { writeEscaped } from './text.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const linkOpen = Buffer.from('{"$link":"b')
const bytesOpen = '{"$bytes":"'

/** The keys of a blob in the order of the wire. DAG-CBOR has them as ref, size, $type, mimeType. */
const blobOrder = [2, 0, 3, 1] as const

/**
 * Turns records from DAG-CBOR into the JSON of the Jetstream wire, bytes to bytes, without making objects: keys sorted
 * by their UTF-8 bytes, except blobs (`$type`, `ref`, `mimeType`, `size`); CIDs as `$link`, bytes as unpadded `$bytes`;
 * text escaped as production does. It owns its scratch memory: keep one for a thread and reuse it.
 */
export class RecordTranscoder {
  #tape = new Tape()
  #bytes: Uint8Array = new Uint8Array(0)
  #order = new Int32Array(256)

  /**
   * Appends the JSON of the record `bytes[start, end)` to `sink`. On an error the sink is as it was before.
   *
   * @throws RepoError `not_a_map` where the record is not a map, `float` where it holds a number that is not whole,
   *   `cbor_*`, `cid_invalid`
   */
  write(bytes: Uint8Array, start: number, end: number, sink: ByteSink): void {
    if (start >= end || bytes[start]! >>> 5 !== 5) throw new RepoError('not_a_map')
    this.#tape.scan(bytes, start, end)
    this.#bytes = asBuffer(bytes)
    const before = sink.length
    // No item grows by more than six times (a control character becomes \u00xx, a false with its comma is six), but for
    // byte strings, which reserve for themselves.
    sink.reserve((end - start) * 6 + 16)
    try {
      this.#value(0, sink, 0, (end - start) * 6 + 16)
    } catch (error) {
      sink.length = before
      throw error
    }
  }

  #value(slot: number, sink: ByteSink, orderAt: number, bound: number): void {
    const bytes = this.#bytes
    const pos = this.#tape.slots[slot]!
    const initial = bytes[pos]!
    switch (initial >>> 5) {
      case 0:
      case 1:
        this.#integer(pos, initial, sink)
        return
      case 2: {
        const from = contentAt(pos, initial)
        const length = lengthAt(bytes, pos, initial)
        sink.reserve(16 + length * 2 + bound)
        sink.ascii(bytesOpen)
        writeBase64(bytes, from, from + length, sink)
        sink.buffer[sink.length++] = quote
        sink.buffer[sink.length++] = 0x7d
        return
      }
      case 3:
        this.#text(slot, sink)
        return
      case 4: {
        const end = this.#tape.slots[slot + 1]!
        sink.buffer[sink.length++] = 0x5b
        for (let item = slot + 2; item < end; item = this.#tape.after(item)) {
          if (item > slot + 2) sink.buffer[sink.length++] = comma
          this.#value(item, sink, orderAt, bound)
        }
        sink.buffer[sink.length++] = 0x5d
        return
      }
      case 5:
        this.#map(slot, sink, orderAt, bound)
        return
      case 6: {
        const out = sink.buffer
        let at = sink.length
        for (let i = 0; i < linkOpen.length; i++) out[at++] = linkOpen[i]!
        at = writeBase32(bytes, pos + 5, pos + 41, out, at)
        out[at++] = quote
        out[at++] = 0x7d
        sink.length = at
        return
      }
      default:
        if (initial === 0xf5) sink.ascii('true')
        else if (initial === 0xf4) sink.ascii('false')
        else if (initial === 0xf6) sink.ascii('null')
        else this.#float(pos, sink)
    }
  }

  #map(slot: number, sink: ByteSink, orderAt: number, bound: number): void {
    const { slots } = this.#tape
    const end = slots[slot + 1]!
    let count = 0
    for (let key = slot + 2; key < end; key = this.#tape.after(key + 2)) {
      if (orderAt + count >= this.#order.length) this.#growOrder()
      this.#order[orderAt + count++] = key
    }
    if (count === 4 && this.#isBlob(orderAt)) {
      const [ref, size, type, mimeType] = this.#order.subarray(orderAt, orderAt + 4)
      const inCborOrder = [ref!, size!, type!, mimeType!]
      for (let i = 0; i < 4; i++) this.#order[orderAt + i] = inCborOrder[blobOrder[i]!]!
    } else this.#sort(orderAt, count)

    sink.buffer[sink.length++] = 0x7b
    for (let i = 0; i < count; i++) {
      if (i > 0) sink.buffer[sink.length++] = comma
      const key = this.#order[orderAt + i]!
      this.#text(key, sink)
      sink.buffer[sink.length++] = colon
      this.#value(key + 2, sink, orderAt + count, bound)
    }
    sink.buffer[sink.length++] = 0x7d
  }

  #text(slot: number, sink: ByteSink): void {
    const bytes = this.#bytes
    const pos = this.#tape.slots[slot]!
    const initial = bytes[pos]!
    const from = contentAt(pos, initial)
    const length = lengthAt(bytes, pos, initial)
    const out = sink.buffer
    let at = sink.length
    out[at++] = quote
    if (this.#tape.slots[slot + 1] === 1) {
      at = writeEscaped(bytes, from, from + length, out, at)
    } else {
      at = copyBytes(bytes, from, from + length, out, at)
    }
    out[at++] = quote
    sink.length = at
  }

  #integer(pos: number, initial: number, sink: ByteSink): void {
    const info = initial & 31
    let value: number
    if (info < 24) value = info
    else if (info === 24) value = this.#bytes[pos + 1]!
    else if (info === 25) value = (this.#bytes[pos + 1]! << 8) | this.#bytes[pos + 2]!
    else if (info === 26) value = uint32At(this.#bytes, pos + 1)
    else {
      const magnitude =
        (BigInt(uint32At(this.#bytes, pos + 1)) << 32n) | BigInt(uint32At(this.#bytes, pos + 5))
      sink.ascii((initial < 0x20 ? magnitude : -1n - magnitude).toString())
      return
    }
    if (initial >= 0x20) {
      sink.buffer[sink.length++] = 0x2d
      value += 1
    }
    writeDecimal(value, sink)
  }

  #float(pos: number, sink: ByteSink): void {
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + pos + 1, 8).getFloat64(0)
    // Production writes a whole float as an integer and drops a record with any other.
    if (!Number.isSafeInteger(value)) throw new RepoError('float', String(value))
    sink.ascii(String(value + 0))
  }

  /** Sorts the keys at `#order[at, at + count)` by their bytes. Most maps have under ten; hostile ones are not quadratic. */
  #sort(at: number, count: number): void {
    const order = this.#order
    if (count > 32) {
      const keys = Array.from(order.subarray(at, at + count)).toSorted((a, b) => this.#compare(a, b))
      order.set(keys, at)
      return
    }
    for (let i = at + 1; i < at + count; i++) {
      const key = order[i]!
      let j = i - 1
      while (j >= at && this.#compare(order[j]!, key) > 0) {
        order[j + 1] = order[j]!
        j--
      }
      order[j + 1] = key
    }
  }

  #compare(a: number, b: number): number {
    const bytes = this.#bytes
    const aPos = this.#tape.slots[a]!
    const bPos = this.#tape.slots[b]!
    const aLength = lengthAt(bytes, aPos, bytes[aPos]!)
    const bLength = lengthAt(bytes, bPos, bytes[bPos]!)
    const aFrom = contentAt(aPos, bytes[aPos]!)
    const bFrom = contentAt(bPos, bytes[bPos]!)
    const common = Math.min(aLength, bLength)
    for (let i = 0; i < common; i++) {
      const difference = bytes[aFrom + i]! - bytes[bFrom + i]!
      if (difference !== 0) return difference
    }
    return aLength - bLength
  }

  #isBlob(orderAt: number): boolean {
    const type = this.#order[orderAt + 2]! + 2
    return (
      this.#isText(this.#order[orderAt]!, 'ref') &&
      this.#isText(this.#order[orderAt + 1]!, 'size') &&
      this.#isText(this.#order[orderAt + 2]!, '$type') &&
      this.#isText(this.#order[orderAt + 3]!, 'mimeType') &&
      this.#bytes[this.#tape.slots[type]!]! >>> 5 === 3 &&
      this.#isText(type, 'blob')
    )
  }

  #isText(slot: number, expected: string): boolean {
    const pos = this.#tape.slots[slot]!
    const initial = this.#bytes[pos]!
    const from = contentAt(pos, initial)
    return isTextAt(this.#bytes, from, from + lengthAt(this.#bytes, pos, initial), expected)
  }

  #growOrder(): void {
    const grown = new Int32Array(this.#order.length * 2)
    grown.set(this.#order)
    this.#order = grown
  }
}

function writeDecimal(value: number, sink: ByteSink): void {
  const out = sink.buffer
  let digits = 1
  for (let limit = 10; digits < 10 && value >= limit; limit *= 10) digits++
  let at = sink.length + digits
  sink.length = at
  for (let i = 0; i < digits; i++) {
    out[--at] = 0x30 + (value % 10)
    value = Math.floor(value / 10)
  }
}
