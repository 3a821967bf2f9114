const alphabet = '234567abcdefghijklmnopqrstuvwxyz'
const digits = Array.from(alphabet, char => char.charCodeAt(0))
const none = 255
/** The value of each digit, by its character. */
const values = new Uint8Array(128).fill(none)
for (const [value, char] of digits.entries()) values[char] = value

/** A TID as what it is made of: microseconds since 1970 and a clock's number. */
export interface TidParts {
  us: number
  clock: number
}

/** The year 2112: distances of what is earlier are exact numbers. */
const maxUs = 2 ** 52

/** Takes a TID apart; undefined for any other text, and what is far in the future. https://atproto.com/specs/tid */
export function tidParts(text: string): TidParts | undefined {
  // 13 digits of 5 bits: the first 11 are the time, of which the top bit is clear, the last two the clock's number.
  if (text.length !== 13 || digitAt(text, 0) > 15) return undefined
  let us = 0
  for (let i = 0; i < 11; i++) {
    const digit = digitAt(text, i)
    if (digit === none) return undefined
    us = us * 32 + digit
  }
  const [high, low] = [digitAt(text, 11), digitAt(text, 12)]
  return high === none || low === none || us >= maxUs ? undefined : { us, clock: high * 32 + low }
}

function digitAt(text: string, index: number): number {
  const char = text.charCodeAt(index)
  return char < 128 ? values[char]! : none
}

/** The TID of its parts. Made in one go: a string that is put together character by character holds on to all its parts. */
export function tidOf({ us, clock }: TidParts): string {
  // Numbers of 31 bits are cheap: the last 5 digits of the time, and the 6 before them.
  const [low, high] = [us % 2 ** 25, Math.floor(us / 2 ** 25)]
  const at = (bits: number, shift: number): number => digits[(bits >> shift) & 31]!
  return String.fromCharCode(
    at(high, 25),
    at(high, 20),
    at(high, 15),
    at(high, 10),
    at(high, 5),
    at(high, 0),
    at(low, 20),
    at(low, 15),
    at(low, 10),
    at(low, 5),
    at(low, 0),
    at(clock, 5),
    at(clock, 0),
  )
}
