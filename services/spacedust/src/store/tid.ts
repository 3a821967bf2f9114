const alphabet = '234567abcdefghijklmnopqrstuvwxyz'
/** The value of each digit, by its character. */
const values = new Uint8Array(128)
for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i

/** A TID as what it is made of: microseconds since 1970 and a clock's number. */
export interface TidParts {
  us: number
  clock: number
}

/** The year 2112: distances of what is earlier are exact numbers. */
const maxUs = 2 ** 52

/** Takes a TID apart; undefined for any other text, and what is far in the future. https://atproto.com/specs/tid */
export function tidParts(text: string): TidParts | undefined {
  if (!/^[2-7a-j][2-7a-z]{12}$/.test(text)) return undefined
  // 13 digits of 5 bits: the first 11 are the time, the last two the clock's number.
  let us = 0
  for (let i = 0; i < 11; i++) us = us * 32 + values[text.charCodeAt(i)]!
  return us < maxUs
    ? { us, clock: values[text.charCodeAt(11)]! * 32 + values[text.charCodeAt(12)]! }
    : undefined
}

const scratch = Buffer.alloc(13)

/** The TID of its parts. Made of bytes: a string that is put together character by character holds on to all its parts. */
export function tidOf({ us, clock }: TidParts): string {
  let rest = us
  for (let i = 10; i >= 0; i--) {
    scratch[i] = alphabet.charCodeAt(rest % 32)
    rest = Math.floor(rest / 32)
  }
  scratch[11] = alphabet.charCodeAt(clock >> 5)
  scratch[12] = alphabet.charCodeAt(clock & 31)
  return scratch.toString('latin1')
}
