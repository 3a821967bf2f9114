/** Whole numbers one behind the other, small ones in few bytes. */
export class NumberWriter {
  #bytes = Buffer.allocUnsafe(4096)
  #length = 0

  /** Takes whole numbers from 0 to 2^53 − 1. */
  push(value: number): void {
    if (this.#length + 8 > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2)
    }
    let rest = value
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  /** A number of either sign, up to 2^52. */
  pushSigned(value: number): void {
    this.push(value < 0 ? -value * 2 - 1 : value * 2)
  }

  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }
}

/** Reads what a `NumberWriter` wrote. */
export class NumberReader {
  #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** @throws RangeError where nothing is left */
  next(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new RangeError('the numbers end early')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  nextSigned(): number {
    const value = this.next()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
