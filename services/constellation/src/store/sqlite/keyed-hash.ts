// HalfSipHash-2-4, of which 32 bits are kept. @see https://cr.yp.to/siphash/siphash-20120918.pdf

let words = new Int32Array(2_048)

/**
 * A hash that nobody can foresee who does not know the key: 32 bits with a sign. Whoever chooses texts cannot choose those
 * that collide, and so cannot make looking one up slow.
 *
 * @param key eight bytes
 * @param of bytes, or a text, of which the UTF-16 units count
 */
export function keyedHash(key: Buffer, of: Buffer | string): number {
  const count = typeof of === 'string' ? takeText(of) : takeBytes(of)
  let v0 = key.readInt32LE(0)
  let v1 = key.readInt32LE(4)
  let v2 = v0 ^ 0x6c79_6765
  let v3 = v1 ^ 0x7465_6462
  for (let i = 0; i <= count; i++) {
    const isEnd = i === count
    const word = isEnd ? 0 : words[i]!
    if (isEnd) v2 ^= 0xff
    v3 ^= word
    for (let rounds = isEnd ? 4 : 2; rounds > 0; rounds--) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    v0 ^= word
  }
  return v1 ^ v3
}

/** Puts bytes into words of four, the last with the length in its highest byte; answers how many. */
function takeBytes(bytes: Buffer): number {
  const whole = bytes.length >>> 2
  room(whole + 1)
  for (let i = 0; i < whole; i++) words[i] = bytes.readInt32LE(i * 4)
  let last = bytes.length << 24
  for (let at = whole * 4; at < bytes.length; at++) last |= bytes[at]! << ((at & 3) * 8)
  words[whole] = last
  return whole + 1
}

/** The same with the units of a text, two in a word. */
function takeText(text: string): number {
  const whole = text.length >>> 1
  room(whole + 1)
  for (let i = 0; i < whole; i++) {
    words[i] = text.charCodeAt(i * 2) | (text.charCodeAt(i * 2 + 1) << 16)
  }
  const odd = (text.length & 1) === 1 ? text.charCodeAt(text.length - 1) : 0
  words[whole] = (text.length << 25) | odd
  return whole + 1
}

function room(count: number): void {
  if (count > words.length) words = new Int32Array(count * 2)
}
