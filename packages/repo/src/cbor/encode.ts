import { ByteSink, compareBytes } from '../bytes.ts'
import { Cid } from '../cid.ts'
import { RepoError } from '../errors.ts'
import type { CborValue } from './decode.ts'
import { maxDepth } from './reader.ts'

/**
 * Encodes a value as DAG-CBOR: shortest heads, map keys by length and then bytes, CIDs under tag 42. Keys whose value is
 * undefined are left out. A JavaScript number that is whole becomes an integer; any other finite one a 64-bit float.
 *
 * @throws RepoError `cbor_bad_value`, `cbor_bad_float`, `cbor_bad_int`, `cbor_bad_utf8`, `cbor_too_deep`
 */
export function encodeCbor(value: CborValue): Uint8Array {
  scratch.reset()
  writeValue(scratch, value, 0)
  return scratch.copyOut()
}

const scratch = new ByteSink(16 * 1024)

/** Appends the encoding of `value`. As `encodeCbor` otherwise. */
export function writeValue(sink: ByteSink, value: CborValue, depth = 0): void {
  if (value === null) writeByte(sink, 0xf6)
  else if (typeof value === 'boolean') writeByte(sink, value ? 0xf5 : 0xf4)
  else if (typeof value === 'number') writeNumber(sink, value)
  else if (typeof value === 'bigint') writeBigint(sink, value)
  else if (typeof value === 'string') writeText(sink, value)
  else if (value instanceof Uint8Array) {
    writeHead(sink, 2, value.length)
    sink.copy(value, 0, value.length)
  } else if (value instanceof Cid) writeLink(sink, value.bytes, 0)
  else if (typeof value === 'object' && depth >= maxDepth) throw new RepoError('cbor_too_deep')
  else if (isArray(value)) {
    writeHead(sink, 4, value.length)
    for (const item of value) writeValue(sink, item, depth + 1)
  } else if (typeof value === 'object') writeMap(sink, value, depth)
  else throw new RepoError('cbor_bad_value', `type=${typeof value}`)
}

/** Appends a head with an argument below 2^53. */
export function writeHead(sink: ByteSink, major: number, arg: number): void {
  sink.reserve(9)
  const { buffer } = sink
  let at = sink.length
  const initial = major << 5
  if (arg < 24) {
    buffer[at++] = initial | arg
  } else if (arg < 0x100) {
    buffer[at++] = initial | 24
    buffer[at++] = arg
  } else if (arg < 0x1_0000) {
    buffer[at++] = initial | 25
    buffer[at++] = arg >>> 8
    buffer[at++] = arg & 0xff
  } else if (arg < 0x1_0000_0000) {
    buffer[at++] = initial | 26
    at = buffer.writeUInt32BE(arg, at)
  } else {
    buffer[at++] = initial | 27
    at = buffer.writeBigUInt64BE(BigInt(arg), at)
  }
  sink.length = at
}

/** Appends a CID link; the CID's 36 bytes start at `bytes[from]`. */
export function writeLink(sink: ByteSink, bytes: Uint8Array, from: number): void {
  sink.reserve(41)
  const { buffer } = sink
  let at = sink.length
  buffer[at++] = 0xd8
  buffer[at++] = 42
  buffer[at++] = 0x58
  buffer[at++] = 37
  buffer[at++] = 0
  for (let i = 0; i < 36; i++) buffer[at++] = bytes[from + i]!
  sink.length = at
}

/** Appends a text string. */
export function writeText(sink: ByteSink, text: string): void {
  // Half a surrogate pair has no UTF-8; Buffer would put U+FFFD in its place and change the record.
  if (!text.isWellFormed()) throw new RepoError('cbor_bad_utf8', 'a lone surrogate')
  const length = Buffer.byteLength(text)
  writeHead(sink, 3, length)
  sink.reserve(length)
  sink.buffer.write(text, sink.length)
  sink.length += length
}

function writeByte(sink: ByteSink, byte: number): void {
  sink.reserve(1)
  sink.buffer[sink.length++] = byte
}

function writeNumber(sink: ByteSink, value: number): void {
  if (Number.isSafeInteger(value)) {
    if (value >= 0) writeHead(sink, 0, value)
    else writeHead(sink, 1, -1 - value)
    return
  }
  if (!Number.isFinite(value)) throw new RepoError('cbor_bad_float', String(value))
  if (Number.isInteger(value)) throw new RepoError('cbor_bad_int', `${value} is not exact; use a bigint`)
  sink.reserve(9)
  sink.buffer[sink.length] = 0xfb
  sink.buffer.writeDoubleBE(value, sink.length + 1)
  sink.length += 9
}

function writeBigint(sink: ByteSink, value: bigint): void {
  if (value > 0x7fff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) {
    throw new RepoError('cbor_bad_int', value.toString())
  }
  const magnitude = value >= 0n ? value : -1n - value
  if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) {
    writeHead(sink, value >= 0n ? 0 : 1, Number(magnitude))
    return
  }
  sink.reserve(9)
  sink.buffer[sink.length] = value >= 0n ? 0x1b : 0x3b
  sink.buffer.writeBigUInt64BE(magnitude, sink.length + 1)
  sink.length += 9
}

function writeMap(sink: ByteSink, map: { readonly [key: string]: CborValue }, depth: number): void {
  const entries: { key: string; utf8: Buffer; value: CborValue }[] = []
  for (const key of Object.keys(map)) {
    const value = map[key]
    if (value !== undefined) entries.push({ key, utf8: Buffer.from(key), value })
  }
  entries.sort((a, b) => a.utf8.length - b.utf8.length || compareBytes(a.utf8, b.utf8))
  writeHead(sink, 5, entries.length)
  for (const { key, value } of entries) {
    writeText(sink, key)
    writeValue(sink, value, depth + 1)
  }
}

function isArray(value: object): value is readonly CborValue[] {
  return Array.isArray(value)
}
