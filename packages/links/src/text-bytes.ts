/** What each byte can be at the start of a link: any of these. */
const letter = 1
const schemeChar = 2
const standsForOther = 4

const kinds = new Uint8Array(256)
for (const char of '0123456789+-.') kinds[char.charCodeAt(0)] = schemeChar
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') {
  kinds[char.charCodeAt(0)] = schemeChar | letter
}
// What begins an escape, of URIs or of JSON.
for (const char of '%\\') kinds[char.charCodeAt(0)] = standsForOther
const colon = 0x3a

/**
 * Whether the text in `bytes[start, end)` begins as a link must: with a scheme and a colon. Nearly all text does not, and
 * need not be made a string.
 */
export function mayBeLink(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end || (kinds[bytes[start]!]! & (letter | standsForOther)) === 0) return false
  let i = start
  while (i < end && (kinds[bytes[i]!]! & schemeChar) !== 0) i++
  return i < end && (bytes[i] === colon || kinds[bytes[i]!] === standsForOther)
}

/** Whether the text in `bytes[start, end)` is `$type`. */
export function isTypeKey(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === typeKey.length && isTextAt(bytes, start, typeKey)
}

const typeKey = '$type'

/**
 * Makes strings of short text that comes again and again, as keys do. It remembers the last one of each hash, so it takes
 * the same memory whatever comes.
 */
export class TextCache {
  #known: string[] = Array.from({ length: 512 }, () => '')

  /** The text in `bytes[start, end)`, which is valid UTF-8. */
  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start
    if (length === 0 || length > 64) return bytes.toString('utf8', start, end)
    const slot =
      (length * 41 + bytes[start]! * 7 + bytes[end - 1]! + bytes[start + (length >> 1)]! * 13) & 511
    const known = this.#known[slot]!
    if (known.length === length && isTextAt(bytes, start, known)) return known
    const text = bytes.toString('utf8', start, end)
    this.#known[slot] = text
    return text
  }
}

function isTextAt(bytes: Uint8Array, start: number, expected: string): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected.charCodeAt(i)) return false
  return true
}
