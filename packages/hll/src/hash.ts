import { hash, randomBytes } from 'node:crypto'

/** Bytes of a secret. */
export const secretBytes = 16

/** Of a hash's 64 bits, those that a sketch counts by: what a JavaScript number holds exactly. */
const countedBits = 52
const highMask = 2 ** (countedBits - 32) - 1

/**
 * A new secret. Each database has its own, for ever: who does not know it cannot choose names that raise a count, and
 * sketches made under different ones have nothing in common.
 */
export function createSecret(): Uint8Array {
  return randomBytes(secretBytes)
}

/** Turns names into elements of sketches. */
export type Hasher = (name: string) => number

/**
 * Makes a hasher: the first eight bytes, little-endian, of SHA-256 over secret and name in UTF-8, of which the low 52 bits
 * are the element, a whole number below 2^52.
 *
 * @throws TypeError where the secret has not 16 bytes
 */
export function createHasher(secret: Uint8Array): Hasher {
  const digest = createDigest(secret)
  return name => {
    const bytes = digest(name)
    const low = bytes.charCodeAt(0) | (bytes.charCodeAt(1) << 8) | (bytes.charCodeAt(2) << 16)
    const middle = (bytes.charCodeAt(3) << 24) >>> 0
    const high = bytes.charCodeAt(4) | (bytes.charCodeAt(5) << 8) | (bytes.charCodeAt(6) << 16)
    return (high & highMask) * 2 ** 32 + middle + low
  }
}

/** The whole 64 bits that an element is a part of. @throws TypeError where the secret has not 16 bytes */
export function hash64(secret: Uint8Array, name: string): bigint {
  return Buffer.from(createDigest(secret)(name), 'latin1').readBigUInt64LE()
}

/** Digests as texts of a byte each character: a Buffer for each would take as long as the hash. */
function createDigest(secret: Uint8Array): (name: string) => string {
  if (secret.length !== secretBytes) throw new TypeError(`a secret has ${secretBytes} bytes`)
  let input = Buffer.alloc(256)
  input.set(secret)
  // Most names have the same length.
  let used = input
  return name => {
    const most = secretBytes + name.length * 3
    if (most > input.length) {
      input = Buffer.alloc(most * 2)
      input.set(secret)
      used = input
    }
    const end = secretBytes + input.write(name, secretBytes)
    if (end !== used.length) used = input.subarray(0, end)
    return hash('sha256', used, 'latin1')
  }
}
