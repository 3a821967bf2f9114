import { Cid, cidBytes, isCidAt } from '../cid.ts'
import { RepoError } from '../errors.ts'
import { textAt } from './text.ts'

/** CBOR major types. */
export const majors = { uint: 0, nint: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const

/**
 * How many arrays and maps may stand one in another. No lexicon of the network comes near it; common JSON parsers give up at 128, and an
 * event puts a record two levels down.
 */
export const maxDepth = 100

/** A CID link in DAG-CBOR: tag 42, a byte string of 37, a zero, then the 36 bytes of the CID. */
export const linkBytes = 41

/**
 * Reads strict DAG-CBOR front to back from `bytes[pos, end)`. Each method reads one thing, moves `pos` behind it, and
 * throws RepoError where the bytes are not that thing in their one canonical form. Views share the memory.
 *
 * @see https://ipld.io/specs/codecs/dag-cbor/spec/
 */
export class CborReader {
  readonly bytes: Uint8Array
  pos: number
  readonly end: number
  /** The argument of the head that `head()` read last: a length, a count, a tag, or the value of an integer. */
  arg = 0
  /** Set with `arg` where the argument exceeds 2^53 - 1 and `arg` is only near it. */
  wide: bigint | undefined
  #memory: ArrayBufferLike | undefined

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = bytes
    this.pos = pos
    this.end = end
  }

  /** Reads a head and answers its major type. A float leaves `pos` behind the initial byte, with `arg` 27. */
  head(): number {
    if (this.pos >= this.end) throw new RepoError('cbor_truncated')
    const initial = this.bytes[this.pos++]!
    const info = initial & 31
    if (info < 24) this.arg = info
    else if (initial < 0xe0) this.#argument(info)
    else this.arg = info
    return initial >>> 5
  }

  #argument(info: number): void {
    const { bytes, pos } = this
    if (info > 27) throw new RepoError(info === 31 ? 'cbor_indefinite' : 'cbor_non_minimal', `info=${info}`)
    const width = 1 << (info - 24)
    if (pos + width > this.end) throw new RepoError('cbor_truncated')
    this.pos = pos + width
    this.wide = undefined
    if (width === 1) {
      this.arg = bytes[pos]!
      if (this.arg < 24) throw new RepoError('cbor_non_minimal')
    } else if (width === 2) {
      this.arg = (bytes[pos]! << 8) | bytes[pos + 1]!
      if (this.arg < 0x100) throw new RepoError('cbor_non_minimal')
    } else if (width === 4) {
      this.arg = uint32At(bytes, pos)
      if (this.arg < 0x1_0000) throw new RepoError('cbor_non_minimal')
    } else {
      const high = uint32At(bytes, pos)
      const low = uint32At(bytes, pos + 4)
      if (high === 0) throw new RepoError('cbor_non_minimal')
      this.arg = high * 0x1_0000_0000 + low
      if (high > 0x1f_ffff) this.wide = (BigInt(high) << 32n) | BigInt(low)
    }
  }

  /** The major type of what comes next, without reading it; -1 at the end. */
  peekMajor(): number {
    return this.pos < this.end ? this.bytes[this.pos]! >>> 5 : -1
  }

  /** Reads the head of a map and answers how many entries follow. */
  map(): number {
    if (this.head() !== majors.map) throw new RepoError('cbor_bad_value', 'expected=map')
    // An entry takes two bytes at least; a count beyond that is a lie that must not size anything.
    if (this.arg * 2 > this.end - this.pos) throw new RepoError('cbor_truncated')
    return this.arg
  }

  /** Reads the head of an array and answers how many items follow. */
  array(): number {
    if (this.head() !== majors.array) throw new RepoError('cbor_bad_value', 'expected=array')
    if (this.arg > this.end - this.pos) throw new RepoError('cbor_truncated')
    return this.arg
  }

  /** Reads text as a string; its UTF-8 is checked. */
  text(): string {
    const start = this.textStart()
    return textAt(this.bytes, start, this.pos)
  }

  /** Reads text without making a string of it, and answers where it starts; `pos` is behind it. Its UTF-8 is not checked. */
  textStart(): number {
    const start = this.#shortText()
    if (start >= 0) return start
    if (this.head() !== majors.text) throw new RepoError('cbor_bad_value', 'expected=text')
    return this.#content()
  }

  /** Moves over text of less than 24 bytes, as nearly all keys are, and answers where it starts; -1 where it is not such. */
  #shortText(): number {
    const { pos } = this
    if (pos >= this.end) return -1
    const length = this.bytes[pos]! - 0x60
    if (length < 0 || length > 23 || length >= this.end - pos) return -1
    this.pos = pos + 1 + length
    return pos + 1
  }

  /** Reads a byte string as a view. */
  byteString(): Uint8Array {
    const start = this.bytesStart()
    return this.bytes.subarray(start, this.pos)
  }

  /** Reads a byte string without making a view, and answers where it starts; `pos` is behind it. */
  bytesStart(): number {
    if (this.head() !== majors.bytes) throw new RepoError('cbor_bad_value', 'expected=bytes')
    return this.#content()
  }

  /** Reads an integer whose magnitude is at most 2^53 - 1. */
  integer(): number {
    const major = this.head()
    if (major > majors.nint) throw new RepoError('cbor_bad_value', 'expected=integer')
    const value = major === majors.uint ? this.arg : -1 - this.arg
    if (!Number.isSafeInteger(value)) throw new RepoError('cbor_bad_int')
    return value
  }

  boolean(): boolean {
    const byte = this.bytes[this.pos]
    if (this.pos >= this.end || (byte !== 0xf4 && byte !== 0xf5)) {
      throw new RepoError('cbor_bad_value', 'expected=boolean')
    }
    this.pos++
    return byte === 0xf5
  }

  /** Reads a null if one comes next, and tells whether it did. */
  tryNull(): boolean {
    if (this.pos >= this.end || this.bytes[this.pos] !== 0xf6) return false
    this.pos++
    return true
  }

  /** Reads a CID link and answers where its 36 bytes start. */
  link(): number {
    if (this.head() !== majors.tag) throw new RepoError('cbor_bad_value', 'expected=link')
    return this.linkBody()
  }

  /** Reads a CID link, as a view. */
  cid(): Cid {
    const at = this.link()
    return new Cid(this.view(at, at + cidBytes))
  }

  /** Reads what follows the head of a tag; answers where the CID's 36 bytes start. */
  linkBody(): number {
    const { bytes, pos } = this
    if (
      this.arg !== 42 ||
      pos + linkBytes - 2 > this.end ||
      bytes[pos] !== 0x58 ||
      bytes[pos + 1] !== 37 ||
      bytes[pos + 2] !== 0
    ) {
      throw new RepoError('cbor_bad_tag', `tag=${this.arg}`)
    }
    if (!isCidAt(bytes, pos + 3)) throw new RepoError('cid_invalid')
    this.pos = pos + linkBytes - 2
    return pos + 3
  }

  /** Reads the eight bytes of a float whose head was read. */
  floatBody(): number {
    if (this.arg !== 27) throw new RepoError(this.arg === 31 ? 'cbor_indefinite' : floatOrSimple(this.arg))
    if (this.pos + 8 > this.end) throw new RepoError('cbor_truncated')
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.pos, 8)
    const value = view.getFloat64(0)
    if (!Number.isFinite(value)) throw new RepoError('cbor_bad_float', String(value))
    this.pos += 8
    return value
  }

  /**
   * A view of `bytes[start, end)`, never a Buffer. It takes half the time of `subarray`, as asking an array for the memory
   * behind it is a call into C++; there is a view for each CID.
   */
  view(start: number, end: number): Uint8Array {
    this.#memory ??= this.bytes.buffer
    return new Uint8Array(this.#memory, this.bytes.byteOffset + start, end - start)
  }

  /** Moves behind the content of the string whose head was read; answers where it starts. */
  #content(): number {
    const start = this.pos
    if (this.arg > this.end - start) throw new RepoError('cbor_truncated')
    this.pos = start + this.arg
    return start
  }

  /** Reads the head of a map key and answers where its text starts; `pos` is behind it. Its UTF-8 is not checked. */
  key(): number {
    const start = this.#shortText()
    if (start >= 0) return start
    if (this.head() !== majors.text) throw new RepoError('cbor_bad_key', 'expected=text')
    return this.#content()
  }

  /** Reads a map key as a string; its UTF-8 is checked. */
  keyText(): string {
    const start = this.key()
    return textAt(this.bytes, start, this.pos)
  }

  /**
   * Moves over one item of any type. It checks that the item is whole and not nested too deep, not every rule of
   * DAG-CBOR: for fields whose value nobody looks at.
   */
  skip(depth = 0): void {
    const major = this.head()
    if (depth >= maxDepth && major >= majors.array && major <= majors.tag)
      throw new RepoError('cbor_too_deep')
    switch (major) {
      case majors.uint:
      case majors.nint:
        return
      case majors.bytes:
      case majors.text:
        this.#content()
        return
      case majors.array:
      case majors.map: {
        const items = major === majors.map ? this.arg * 2 : this.arg
        if (items > this.end - this.pos) throw new RepoError('cbor_truncated')
        for (let i = 0; i < items; i++) this.skip(depth + 1)
        return
      }
      case majors.tag:
        this.skip(depth + 1)
        return
      default:
        if (this.arg >= 20 && this.arg <= 22) return
        this.floatBody()
    }
  }

  /** @throws RepoError `cbor_trailing` unless everything was read. */
  finish(): void {
    if (this.pos !== this.end) throw new RepoError('cbor_trailing', `bytes=${this.end - this.pos}`)
  }
}

/** Whether the text at `start` is this ASCII string. */
export function isTextAt(bytes: Uint8Array, start: number, end: number, expected: string): boolean {
  if (end - start !== expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected.charCodeAt(i)) return false
  return true
}

/**
 * Orders two map keys as DAG-CBOR wants them: the shorter first, then by bytes. Both are ranges of `bytes`.
 *
 * @see https://ipld.io/specs/codecs/dag-cbor/spec/#strictness
 */
export function compareKeys(
  bytes: Uint8Array,
  aStart: number,
  aEnd: number,
  bStart: number,
  bEnd: number,
): number {
  const difference = aEnd - aStart - (bEnd - bStart)
  if (difference !== 0) return difference
  for (let i = aStart, j = bStart; i < aEnd; i++, j++) {
    if (bytes[i] !== bytes[j]) return bytes[i]! - bytes[j]!
  }
  return 0
}

/** A big-endian unsigned 32-bit number. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** Where the content of the string whose head is at `pos` starts. */
export function contentAt(pos: number, initial: number): number {
  const info = initial & 31
  return info < 24 ? pos + 1 : pos + 1 + (1 << (info - 24))
}

/** How long the string whose head is at `pos` is. Checked lengths fit 32 bits. */
export function lengthAt(bytes: Uint8Array, pos: number, initial: number): number {
  const info = initial & 31
  if (info < 24) return info
  if (info === 24) return bytes[pos + 1]!
  if (info === 25) return (bytes[pos + 1]! << 8) | bytes[pos + 2]!
  return uint32At(bytes, info === 26 ? pos + 1 : pos + 5)
}

function floatOrSimple(info: number): 'cbor_bad_float' | 'cbor_bad_simple' {
  return info === 25 || info === 26 ? 'cbor_bad_float' : 'cbor_bad_simple'
}
