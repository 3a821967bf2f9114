import { hash } from 'node:crypto'
import { toBase32, tryParseBase32, writeBase32 } from './base.ts'
import { equalBytes } from './bytes.ts'
import { RepoError } from './errors.ts'

/** Multicodecs that atproto allows in a CID. */
export const codecs = { dagCbor: 0x71, raw: 0x55 } as const
export type Codec = (typeof codecs)[keyof typeof codecs]

/** Every CID of atproto is this long in bytes: version, codec, hash function, hash length, 32 bytes of sha2-256. */
export const cidBytes = 36
/** …and this long as text: `b` and 58 base32 digits. */
export const cidChars = 59

/**
 * A content identifier: CIDv1, sha2-256, dag-cbor or raw. Immutable; `bytes` are its 36 bytes and must not be written.
 *
 * @see https://atproto.com/specs/data-model#link-and-cid-formats
 */
export class Cid {
  readonly bytes: Uint8Array
  #text: string | undefined

  /** Takes bytes that were checked; use `cidFromBytes` or `parseCid` on anything from outside. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get codec(): Codec {
    return this.bytes[1] as Codec
  }

  /** The sha2-256 digest, a view. */
  get digest(): Uint8Array {
    return this.bytes.subarray(4)
  }

  equals(other: Cid): boolean {
    return equalBytes(this.bytes, other.bytes)
  }

  toString(): string {
    this.#text ??= `b${toBase32(this.bytes)}`
    return this.#text
  }

  toJSON(): { $link: string } {
    return { $link: this.toString() }
  }
}

/** Whether `bytes[at, at + 36)` is a CID that atproto allows. */
export function isCidAt(bytes: Uint8Array, at: number): boolean {
  return (
    at + cidBytes <= bytes.length &&
    bytes[at] === 1 &&
    (bytes[at + 1] === codecs.dagCbor || bytes[at + 1] === codecs.raw) &&
    bytes[at + 2] === 0x12 &&
    bytes[at + 3] === 32
  )
}

/**
 * Reads a CID from exactly 36 bytes; keeps a view of them.
 *
 * @throws RepoError `cid_invalid`
 */
export function cidFromBytes(bytes: Uint8Array): Cid {
  if (bytes.length !== cidBytes || !isCidAt(bytes, 0))
    throw new RepoError('cid_invalid', `bytes=${bytes.length}`)
  return new Cid(bytes)
}

/**
 * Reads the text form (`bafyrei…`, `bafkrei…`).
 *
 * @throws RepoError `cid_invalid`
 */
export function parseCid(text: string): Cid {
  const cid = tryParseCid(text)
  if (!cid) throw new RepoError('cid_invalid', `text=${text.slice(0, 80)}`)
  return cid
}

/** As `parseCid`, but answers undefined where the text is not a CID. */
export function tryParseCid(text: string): Cid | undefined {
  if (text.length !== cidChars || text.charCodeAt(0) !== 0x62) return undefined
  const bytes = tryParseBase32(text.slice(1))
  return bytes && bytes.length === cidBytes && isCidAt(bytes, 0) ? new Cid(bytes) : undefined
}

/** The CID of a block: hashes its bytes. */
export function cidOf(block: Uint8Array, codec: Codec = codecs.dagCbor): Cid {
  const bytes = new Uint8Array(cidBytes)
  bytes[0] = 1
  bytes[1] = codec
  bytes[2] = 0x12
  bytes[3] = 32
  const digest = digestOf(block)
  for (let i = 0; i < 16; i++) {
    const pair = digest.charCodeAt(i)
    bytes[4 + 2 * i] = pair & 0xff
    bytes[5 + 2 * i] = pair >>> 8
  }
  return new Cid(bytes)
}

/** sha2-256 of the bytes, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return cidOf(bytes).digest
}

/** Whether the sha2-256 of a block is the 32 bytes at `bytes[at]`. */
export function isDigestAt(block: Uint8Array, bytes: Uint8Array, at: number): boolean {
  const digest = digestOf(block)
  for (let i = 0; i < 16; i++) {
    if (digest.charCodeAt(i) !== (bytes[at + 2 * i]! | (bytes[at + 2 * i + 1]! << 8))) return false
  }
  return true
}

/** The length is there for Node not to look each time whether the algorithm is one that needs it: 0.08 µs. */
const digestForm = { outputEncoding: 'utf16le', outputLength: 32 } as const

/**
 * sha2-256 as a string of 16 characters, each two bytes, the lower half first. Of 188 bytes it takes 0.5 µs so, and 1.3 µs
 * as a Buffer, which costs more to make than the hash.
 */
function digestOf(block: Uint8Array): string {
  return hash('sha256', block, digestForm)
}

/** Writes the text form of the CID at `bytes[from]` into `out` at `at`; answers where the next byte goes. */
export function writeCid(bytes: Uint8Array, from: number, out: Uint8Array, at: number): number {
  out[at] = 0x62
  return writeBase32(bytes, from, from + cidBytes, out, at + 1)
}

const scratch = Buffer.allocUnsafe(cidChars)

/** The text form of the CID at `bytes[from, from + 36)`, without making a Cid. */
export function cidTextAt(bytes: Uint8Array, from: number): string {
  writeCid(bytes, from, scratch, 0)
  return scratch.toString('latin1', 0, cidChars)
}
