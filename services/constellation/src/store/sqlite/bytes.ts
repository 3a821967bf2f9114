const shortBytes = 24

/** Bytes that are written one after the other, in memory that is used again. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(4096)
  #length = 0

  reset(): this {
    this.#length = 0
    return this
  }

  /** A whole number below 2^53, seven bits a byte, lowest first. */
  varint(value: number): this {
    const buffer = this.#room(8)
    let rest = value
    // Bit operations work on 32 bits only.
    while (rest >= 0x8000_0000) {
      buffer[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest >= 128) {
      buffer[this.#length++] = (rest & 127) | 128
      rest >>>= 7
    }
    buffer[this.#length++] = rest
    return this
  }

  /** A whole number below 2^48 in six bytes, highest first. */
  six(value: number): this {
    this.#room(6).writeUIntBE(value, this.#length, 6)
    this.#length += 6
    return this
  }

  bytes(bytes: Uint8Array): this {
    this.#room(bytes.length).set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** Part of some bytes. Short ones are quicker copied one by one than by a view of them. */
  copy(bytes: Uint8Array, from: number, to: number): this {
    if (to - from > shortBytes) return this.bytes(bytes.subarray(from, to))
    const buffer = this.#room(to - from)
    for (let at = from; at < to; at++) buffer[this.#length++] = bytes[at]!
    return this
  }

  byte(value: number): this {
    this.#room(1)[this.#length++] = value
    return this
  }

  /** A whole number below 2^32 in four bytes, highest first. */
  four(value: number): this {
    this.#room(4)
    this.putFour(this.#length, value)
    this.#length += 4
    return this
  }

  /** A string of one byte a character. */
  latin1(text: string): this {
    const buffer = this.#room(text.length)
    for (let i = 0; i < text.length; i++) buffer[this.#length++] = text.charCodeAt(i)
    return this
  }

  /** Any string in UTF-8, behind its length. */
  utf8(text: string): this {
    const length = Buffer.byteLength(text)
    this.varint(length)
    this.#room(length).write(text, this.#length, length)
    this.#length += length
    return this
  }

  get length(): number {
    return this.#length
  }

  /** Writes a number of four bytes over what is at a place. */
  putFour(at: number, value: number): void {
    const buffer = this.#buffer
    buffer[at] = value >>> 24
    buffer[at + 1] = value >>> 16
    buffer[at + 2] = value >>> 8
    buffer[at + 3] = value
  }

  /** What was written, from a place up to before another: good until more is written. */
  view(from: number, to: number): Buffer {
    return this.#buffer.subarray(from, to)
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length))
  }

  /** The same as a string of one byte a character. */
  takeText(): string {
    return this.#buffer.toString('latin1', 0, this.#length)
  }

  #room(size: number): Buffer {
    if (this.#length + size > this.#buffer.length) {
      const larger = Buffer.allocUnsafe((this.#length + size) * 2)
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    return this.#buffer
  }
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get done(): boolean {
    return this.at >= this.bytes.length
  }

  varint(): number {
    const { bytes } = this
    let byte = bytes[this.at++]!
    if (byte < 128) return byte
    let value = byte & 127
    let scale = 128
    do {
      byte = bytes[this.at++]!
      value += (byte & 127) * scale
      scale *= 128
    } while (byte >= 128)
    return value
  }

  byte(): number {
    return this.bytes[this.at++]!
  }

  /** What `four` wrote. */
  four(): number {
    const { bytes, at } = this
    this.at += 4
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }

  /** What `six` wrote. */
  six(): number {
    const { bytes, at } = this
    this.at += 6
    const low =
      ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0
    return (bytes[at]! * 256 + bytes[at + 1]!) * 2 ** 32 + low
  }

  /** What `utf8` wrote. */
  utf8(): string {
    const bytes = this.take(this.varint())
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  }

  skip(size: number): void {
    this.at += size
  }

  /** A view of the next bytes. */
  take(size: number): Uint8Array {
    this.at += size
    return this.bytes.subarray(this.at - size, this.at)
  }
}

type Column = Float64Array | Int32Array | Uint32Array

/** A column with twice the room, in place of one that is full. */
export function doubled<Some extends Column>(column: Some): Some {
  const larger = new (column.constructor as new (room: number) => Some)(column.length * 2)
  larger.set(column)
  release(column)
  return larger
}

/** Gives the memory of an array back, which is empty from then on: what is large the garbage collector would keep for long. */
export function release(array: Column | Uint8Array): void {
  if (array.byteLength >= largeBytes) (array.buffer as ArrayBuffer).transfer(0)
}

/** Below this it takes longer to give memory back than to leave it. */
const largeBytes = 64 * 1024
