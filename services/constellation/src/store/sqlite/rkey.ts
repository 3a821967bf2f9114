// Record keys as the index keeps them. Nearly all are TIDs, which are numbers: 53 bits of microseconds and 10 of a clock.

/** A TID: microseconds since 1970, and a clock below 1024. */
export type Tid = { micros: number; clock: number }

/** A record key: a TID as its two numbers, or any other as its text in UTF-8. */
export type Rkey = Tid | { text: Buffer }

const alphabet = '234567abcdefghijklmnopqrstuvwxyz'
const values = new Int8Array(128).fill(-1)
for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i

const tidLength = 13
/** TIDs up to the year 2041; differences between them are safe numbers with room to spare. Later ones are kept as text. */
const maxMicros = 2 ** 51

export function parseRkey(rkey: string): Rkey {
  if (rkey.length !== tidLength) return { text: Buffer.from(rkey) }
  let micros = 0
  for (let i = 0; i < 11; i++) {
    const value = digitOf(rkey, i)
    if (value < 0) return { text: Buffer.from(rkey) }
    micros = micros * 32 + value
  }
  const high = digitOf(rkey, 11)
  const low = digitOf(rkey, 12)
  if (high < 0 || low < 0 || micros >= maxMicros) return { text: Buffer.from(rkey) }
  return { micros, clock: high * 32 + low }
}

export function formatRkey(rkey: Rkey): string {
  return 'text' in rkey ? rkey.text.toString() : formatTid(rkey.micros, rkey.clock)
}

export function formatTid(micros: number, clock: number): string {
  let text = alphabet[clock >>> 5]! + alphabet[clock & 31]!
  let rest = micros
  for (let i = 0; i < 11; i++) {
    text = alphabet[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** What a digit of a TID stands for; -1 where it is none. */
export function digitOf(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code < 128 ? values[code]! : -1
}

/**
 * A key as bytes whose order is its order: a TID as eight, any other as 0xff and its text, so that TIDs come first. The
 * first byte of a TID is below 0x20.
 */
export function rkeyBytes(rkey: Rkey): Buffer {
  if ('text' in rkey) return Buffer.concat([textMark, rkey.text])
  const bytes = Buffer.allocUnsafe(8)
  writeTid(bytes, 0, rkey.micros, rkey.clock)
  return bytes
}

const textMark = Buffer.from([0xff])

function writeTid(bytes: Buffer, at: number, micros: number, clock: number): void {
  bytes.writeUInt32BE(Math.floor(micros / 2 ** 22), at)
  bytes.writeUInt32BE((micros % 2 ** 22) * 1024 + clock, at + 4)
}

/** The TID in eight bytes, as text. */
export function tidAt(bytes: Uint8Array, at: number): string {
  const high = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  const low = ((bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!) >>> 0
  return formatTid(high * 2 ** 22 + (low >>> 10), low & 1023)
}

/** The key in such bytes, as text. */
export function rkeyFromBytes(bytes: Uint8Array): string {
  return bytes[0] === 0xff ? Buffer.from(bytes.subarray(1)).toString() : tidAt(bytes, 0)
}
