import type { Cid } from '../cid.ts'
import { RepoError } from '../errors.ts'
import { compareKeys, CborReader, majors, maxDepth } from './reader.ts'

/** What DAG-CBOR can hold. Integers outside ±(2^53 - 1) are bigints. */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Cid
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }

/**
 * Decodes one whole DAG-CBOR item into values, strictly: what is not the one canonical form of its value is refused.
 * Byte strings and CIDs are views into `bytes`. Finite floats are let through, as DAG-CBOR does; the atproto data model
 * has none, and `RecordTranscoder` refuses those that are not whole.
 *
 * @throws RepoError `cbor_*`, `cid_invalid`
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const reader = new CborReader(bytes)
  const value = readValue(reader, 0)
  reader.finish()
  return value
}

/** Decodes the item at the reader's position and leaves the reader behind it. As `decodeCbor` otherwise. */
export function readValue(reader: CborReader, depth = 0): CborValue {
  const major = reader.peekMajor()
  if (depth >= maxDepth && (major === majors.array || major === majors.map)) {
    throw new RepoError('cbor_too_deep')
  }
  switch (major) {
    case majors.uint:
    case majors.nint:
      return readInteger(reader)
    case majors.bytes:
      return reader.byteString()
    case majors.text:
      return reader.text()
    case majors.array: {
      const count = reader.array()
      const items: CborValue[] = []
      for (let i = 0; i < count; i++) items.push(readValue(reader, depth + 1))
      return items
    }
    case majors.map:
      return readMap(reader, depth)
    case majors.tag:
      return reader.cid()
    default: {
      reader.head()
      if (reader.arg === 20) return false
      if (reader.arg === 21) return true
      if (reader.arg === 22) return null
      return reader.floatBody()
    }
  }
}

function readInteger(reader: CborReader): number | bigint {
  const major = reader.head()
  // The lowest of the negative ones is one beyond what a number is safe for.
  if (reader.arg < Number.MAX_SAFE_INTEGER) return major === majors.uint ? reader.arg : -1 - reader.arg
  if (reader.arg === Number.MAX_SAFE_INTEGER && major === majors.uint) return reader.arg
  const magnitude = reader.wide ?? BigInt(reader.arg)
  if (magnitude > 0x7fff_ffff_ffff_ffffn) throw new RepoError('cbor_bad_int', magnitude.toString())
  return major === majors.uint ? magnitude : -1n - magnitude
}

function readMap(reader: CborReader, depth: number): { [key: string]: CborValue } {
  const count = reader.map()
  const object: { [key: string]: CborValue } = {}
  let lastStart = 0
  let lastEnd = -1
  for (let i = 0; i < count; i++) {
    const head = reader.pos
    const start = reader.key()
    const end = reader.pos
    if (lastEnd >= 0 && compareKeys(reader.bytes, lastStart, lastEnd, start, end) >= 0) {
      throw new RepoError('cbor_bad_key', 'the keys are not in order')
    }
    lastStart = start
    lastEnd = end
    reader.pos = head
    const key = reader.text()
    const value = readValue(reader, depth + 1)
    // Assigning to `__proto__` would set the prototype and lose the key.
    if (key === '__proto__') {
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
    } else object[key] = value
  }
  return object
}
