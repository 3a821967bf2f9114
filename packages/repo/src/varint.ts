/** A varint that says more than this much is a lie: nothing here is longer than 4 GiB. */
const maxBytes = 5

/** What `readVarint` found: the value and where the next byte is. */
export interface Varint {
  value: number
  next: number
}

/**
 * Reads an unsigned LEB128 number at `at`. Answers undefined where it goes on behind `end`, so a stream can wait for
 * more; `value` is -1 where it is longer than 5 bytes, which no honest length is.
 */
export function readVarint(bytes: Uint8Array, at: number, end: number): Varint | undefined {
  let value = 0
  let scale = 1
  for (let i = 0; i < maxBytes; i++) {
    if (at + i >= end) return undefined
    const byte = bytes[at + i]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, next: at + i + 1 }
    scale *= 128
  }
  return { value: -1, next: at + maxBytes }
}

/** The LEB128 form of an unsigned number below 2^35. */
export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  bytes.push(value)
  return Uint8Array.from(bytes)
}
