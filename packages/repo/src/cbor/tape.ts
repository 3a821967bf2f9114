import { RepoError } from '../errors.ts'
import { compareKeys, CborReader, contentAt, lengthAt, majors, maxDepth } from './reader.ts'
import { scanText } from './text.ts'

/**
 * The structure of one DAG-CBOR item, found in a single strict pass: two slots an item, in order of appearance. Slot 0
 * is where the item's head is. Slot 1 is, for an array or a map, the tape index behind all it holds; for text, what
 * `scanText` said. A map's keys are items too, each before its value. Everything on a tape has been checked, so a second
 * pass may walk it in any order without reading anything twice.
 *
 * A tape is reused from record to record; it is not safe to hold on to what an earlier scan found.
 */
export class Tape {
  slots = new Int32Array(2048)
  length = 0
  #reader = new CborReader(new Uint8Array(0))

  /**
   * Scans the one item that `bytes[start, end)` must be.
   *
   * @throws RepoError `cbor_*`, `cid_invalid`
   */
  scan(bytes: Uint8Array, start: number, end: number): void {
    this.#reader = new CborReader(bytes, start, end)
    this.length = 0
    // An item takes a byte at least, so this is all the room that the scan can need.
    if (this.slots.length < (end - start) * 2) this.slots = new Int32Array((end - start) * 2 + 2048)
    this.#item(0)
    this.#reader.finish()
  }

  /** The CBOR major type of the item at `slot`: 3 is text, 4 an array, 5 a map. */
  major(slot: number): number {
    return this.#reader.bytes[this.slots[slot]!]! >>> 5
  }

  /** The slot behind the item at `slot` and all it holds. */
  after(slot: number): number {
    const major = this.major(slot)
    return major === majors.array || major === majors.map ? this.slots[slot + 1]! : slot + 2
  }

  /** Where in the bytes the content of the text at `slot` starts. */
  textStart(slot: number): number {
    const pos = this.slots[slot]!
    return contentAt(pos, this.#reader.bytes[pos]!)
  }

  /** Where in the bytes the content of the text at `slot` ends. */
  textEnd(slot: number): number {
    const { bytes } = this.#reader
    const pos = this.slots[slot]!
    return contentAt(pos, bytes[pos]!) + lengthAt(bytes, pos, bytes[pos]!)
  }

  #item(depth: number): void {
    const reader = this.#reader
    const { bytes, end } = reader
    const slot = this.length
    this.length = slot + 2
    this.slots[slot] = reader.pos
    this.slots[slot + 1] = 0
    const major = reader.head()
    switch (major) {
      case majors.uint:
      case majors.nint:
        if (reader.arg > Number.MAX_SAFE_INTEGER && (reader.wide ?? 0n) > 0x7fff_ffff_ffff_ffffn) {
          throw new RepoError('cbor_bad_int')
        }
        return
      case majors.bytes:
        if (reader.arg > end - reader.pos) throw new RepoError('cbor_truncated')
        reader.pos += reader.arg
        return
      case majors.text: {
        const from = reader.pos
        if (reader.arg > end - from) throw new RepoError('cbor_truncated')
        reader.pos = from + reader.arg
        this.slots[slot + 1] = scanText(bytes, from, reader.pos)
        return
      }
      case majors.array: {
        if (depth >= maxDepth) throw new RepoError('cbor_too_deep')
        const count = reader.arg
        if (count > end - reader.pos) throw new RepoError('cbor_truncated')
        for (let i = 0; i < count; i++) this.#item(depth + 1)
        this.slots[slot + 1] = this.length
        return
      }
      case majors.map: {
        if (depth >= maxDepth) throw new RepoError('cbor_too_deep')
        const count = reader.arg
        if (count * 2 > end - reader.pos) throw new RepoError('cbor_truncated')
        let lastStart = 0
        let lastEnd = -1
        for (let i = 0; i < count; i++) {
          const keySlot = this.length
          this.length = keySlot + 2
          this.slots[keySlot] = reader.pos
          const from = reader.key()
          const to = reader.pos
          if (lastEnd >= 0 && compareKeys(bytes, lastStart, lastEnd, from, to) >= 0) {
            throw new RepoError('cbor_bad_key', 'the keys are not in order')
          }
          this.slots[keySlot + 1] = scanText(bytes, from, to)
          lastStart = from
          lastEnd = to
          this.#item(depth + 1)
        }
        this.slots[slot + 1] = this.length
        return
      }
      case majors.tag:
        reader.linkBody()
        return
      default:
        if (reader.arg < 20 || reader.arg > 22) reader.floatBody()
    }
  }
}
