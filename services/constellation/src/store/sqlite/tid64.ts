// TIDs as the two halves of a number of 64 bits, to compare and to keep in eight bytes. Other than in record keys nothing
// is taken out of them, so every one fits.

import { digitOf, type Rkey, type Tid } from './rkey.ts'

export interface Tid64 {
  high: number
  low: number
}

/** @throws RangeError where the text is no TID */
export function parseTid64(tid: string): Tid64 {
  // Thirteen digits of five bits, of which the first has four: 29 bits of the high half, and 35.
  const front = digits(tid, 0, 6)
  const back = digits(tid, 6, 13)
  if (tid.length !== 13 || front < 0 || front >= 2 ** 29 || back < 0) {
    throw new RangeError(`${JSON.stringify(tid)} is no TID`)
  }
  return { high: front * 8 + Math.floor(back / 2 ** 32), low: back % 2 ** 32 }
}

/** The TID that a record key is. */
export function tidOfRkey({ micros, clock }: Extract<Rkey, { micros: number }>): Tid64 {
  return { high: Math.floor(micros / 2 ** 22), low: (micros % 2 ** 22) * 1024 + clock }
}

/** The record key that the halves of a TID are. */
export function tidOf(high: number, low: number): Tid {
  return { micros: high * 2 ** 22 + (low >>> 10), clock: low & 1023 }
}

/** The number that some digits are, below 0 where one is none. */
function digits(text: string, from: number, to: number): number {
  let number = 0
  for (let i = from; i < to; i++) {
    const digit = digitOf(text, i)
    if (digit < 0) return -1
    number = number * 32 + digit
  }
  return number
}

/** Below 0 where the first is older. */
export function compareTids(a: Tid64, b: Tid64): number {
  return a.high - b.high || a.low - b.low
}

export function readTid64(bytes: Buffer, at: number): Tid64 {
  return { high: bytes.readUInt32BE(at), low: bytes.readUInt32BE(at + 4) }
}

export function writeTid64(bytes: Buffer, at: number, { high, low }: Tid64): void {
  bytes.writeUInt32BE(high, at)
  bytes.writeUInt32BE(low, at + 4)
}
