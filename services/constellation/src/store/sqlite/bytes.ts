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

  bytes(bytes: Uint8Array): this {
    this.#room(bytes.length).set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length))
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

  skip(size: number): void {
    this.at += size
  }

  /** A view of the next bytes. */
  take(size: number): Uint8Array {
    this.at += size
    return this.bytes.subarray(this.at - size, this.at)
  }
}
