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

  /** A whole number below 2^42 so that bytes are in the order of numbers: ones in front tell how many bytes follow. */
  ordered(value: number): this {
    let more = 0
    while (value >= 2 ** (7 * (more + 1))) more++
    const buffer = this.#room(6)
    let rest = value
    for (let i = this.#length + more; i > this.#length; i--) {
      buffer[i] = rest % 256
      rest = Math.floor(rest / 256)
    }
    buffer[this.#length] = ((0xff00 >> more) % 256) | rest
    this.#length += 1 + more
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

  /** A string of one byte a character. */
  text(text: string): this {
    const buffer = this.#room(text.length)
    for (let i = 0; i < text.length; i++) buffer[this.#length++] = text.charCodeAt(i)
    return this
  }

  get length(): number {
    return this.#length
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

  /** What `ordered` wrote. */
  ordered(): number {
    const head = this.bytes[this.at++]!
    if (head < 128) return head
    let more = 1
    while (more < 5 && (head & (0x80 >> more)) !== 0) more++
    let value = head & (0x7f >> more)
    for (; more > 0; more--) value = value * 256 + this.bytes[this.at++]!
    return value
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
