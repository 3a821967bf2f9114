import { fromBase32, toBase32 } from './base32.ts'

/**
 * A value of the atproto data model as plain data. A link is `{ $link: 'bafy…' }`; bytes are a `Uint8Array`, or
 * `{ $bytes: base64 }` as JSON files have them.
 */
export type DataValue = null | boolean | number | string | Uint8Array | readonly DataValue[] | DataMap

/** A map of {@link DataValue}s. A key with the value `undefined` counts as absent. */
export interface DataMap {
  readonly [key: string]: DataValue | undefined
}

/**
 * Encodes as canonical DAG-CBOR: shortest lengths, keys sorted by length and then bytes, links as tag 42.
 *
 * A second, small codec beside the one in packages/repo, on purpose: the frames that test ours must not come out of
 * the code under test.
 *
 * @throws TypeError on what atproto's data model has no place for, a fraction for one.
 */
export function encodeCbor(value: DataValue): Uint8Array {
  const parts: Uint8Array[] = []
  write(value, parts)
  return Buffer.concat(parts)
}

function write(value: DataValue, parts: Uint8Array[]): void {
  if (value === null) parts.push(Uint8Array.of(0xf6))
  else if (typeof value === 'boolean') parts.push(Uint8Array.of(value ? 0xf5 : 0xf4))
  else if (typeof value === 'number') writeInteger(value, parts)
  else if (typeof value === 'string') writeText(value, parts)
  else if (value instanceof Uint8Array) parts.push(head(2, value.length), value)
  else if (isList(value)) {
    parts.push(head(4, value.length))
    for (const item of value) write(item, parts)
  } else if (typeof value.$link === 'string') writeLink(value.$link, parts)
  else if (typeof value.$bytes === 'string') write(Buffer.from(value.$bytes, 'base64'), parts)
  else writeMap(value, parts)
}

function writeInteger(value: number, parts: Uint8Array[]): void {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not an integer of the data model; value=${value}`)
  parts.push(value < 0 ? head(1, -1 - value) : head(0, value))
}

function writeText(value: string, parts: Uint8Array[]): void {
  const bytes = Buffer.from(value, 'utf8')
  parts.push(head(3, bytes.length), bytes)
}

function writeLink(cid: string, parts: Uint8Array[]): void {
  if (!cid.startsWith('b')) throw new TypeError(`not a CID in base32; cid=${cid}`)
  // The zero is the multibase prefix of raw bytes, which DAG-CBOR keeps before every CID.
  const bytes = Buffer.concat([Uint8Array.of(0), fromBase32(cid.slice(1))])
  parts.push(Uint8Array.of(0xd8, 42), head(2, bytes.length), bytes)
}

function writeMap(map: DataMap, parts: Uint8Array[]): void {
  const entries = Object.entries(map)
    .filter((entry): entry is [string, DataValue] => entry[1] !== undefined)
    .map(([key, value]) => ({ key: Buffer.from(key, 'utf8'), value }))
    .toSorted((a, b) => a.key.length - b.key.length || Buffer.compare(a.key, b.key))
  parts.push(head(5, entries.length))
  for (const { key, value } of entries) {
    parts.push(head(3, key.length), key)
    write(value, parts)
  }
}

function head(major: number, length: number): Uint8Array {
  const type = major << 5
  if (length < 24) return Uint8Array.of(type | length)
  if (length < 0x100) return Uint8Array.of(type | 24, length)
  const bytes = Buffer.alloc(length < 0x1_0000 ? 3 : length < 0x1_0000_0000 ? 5 : 9)
  bytes[0] = type | (bytes.length === 3 ? 25 : bytes.length === 5 ? 26 : 27)
  if (bytes.length === 3) bytes.writeUInt16BE(length, 1)
  else if (bytes.length === 5) bytes.writeUInt32BE(length, 1)
  else bytes.writeBigUInt64BE(BigInt(length), 1)
  return bytes
}

/**
 * Reads one item from `bytes` at `offset` and answers it with the offset of what follows. Bytes come as views into
 * `bytes`, links as `{ $link }`. Lenient where production frames are fine either way: key order is not checked.
 *
 * @throws RangeError when the bytes end early; TypeError on what is not DAG-CBOR.
 */
export function decodeCbor(bytes: Uint8Array, offset = 0): { value: DataValue; end: number } {
  const first = byteAt(bytes, offset)
  const major = first >> 5
  if (major === 7) return { value: simpleValue(first), end: offset + 1 }

  const { length, at } = readHead(bytes, offset)
  switch (major) {
    case 0:
      return { value: length, end: at }
    case 1:
      return { value: -1 - length, end: at }
    case 2:
      return { value: slice(bytes, at, length), end: at + length }
    case 3:
      return { value: Buffer.from(slice(bytes, at, length)).toString('utf8'), end: at + length }
    case 4:
      return readList(bytes, at, length)
    case 5:
      return readMap(bytes, at, length)
    default:
      return readLink(bytes, at, length)
  }
}

function readHead(bytes: Uint8Array, offset: number): { length: number; at: number } {
  const info = byteAt(bytes, offset) & 31
  if (info < 24) return { length: info, at: offset + 1 }
  if (info > 27) throw new TypeError(`not DAG-CBOR; byte=${byteAt(bytes, offset)} at=${offset}`)
  const size = 1 << (info - 24)
  let length = 0
  for (let i = 1; i <= size; i++) length = length * 256 + byteAt(bytes, offset + i)
  return { length, at: offset + 1 + size }
}

function readList(bytes: Uint8Array, start: number, length: number): { value: DataValue; end: number } {
  const value: DataValue[] = []
  let end = start
  for (let i = 0; i < length; i++) {
    const item = decodeCbor(bytes, end)
    value.push(item.value)
    end = item.end
  }
  return { value, end }
}

function readMap(bytes: Uint8Array, start: number, length: number): { value: DataValue; end: number } {
  const entries: [string, DataValue][] = []
  let end = start
  for (let i = 0; i < length; i++) {
    const key = decodeCbor(bytes, end)
    if (typeof key.value !== 'string') throw new TypeError(`a key is not text; at=${end}`)
    const item = decodeCbor(bytes, key.end)
    entries.push([key.value, item.value])
    end = item.end
  }
  return { value: Object.fromEntries(entries), end }
}

function readLink(bytes: Uint8Array, start: number, tag: number): { value: DataValue; end: number } {
  const { value, end } = decodeCbor(bytes, start)
  if (tag !== 42 || !(value instanceof Uint8Array)) throw new TypeError(`not a link; tag=${tag}`)
  return { value: { $link: `b${toBase32(value.subarray(1))}` }, end }
}

function simpleValue(byte: number): null | boolean {
  if (byte === 0xf6) return null
  if (byte === 0xf5 || byte === 0xf4) return byte === 0xf5
  throw new TypeError(`not DAG-CBOR; byte=${byte}`)
}

function slice(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if (start + length > bytes.length) throw new RangeError(`the bytes end early; at=${bytes.length}`)
  // `subarray` of a Buffer is a Buffer, which tests would not find equal to the plain array that went in.
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length)
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset]
  if (byte === undefined) throw new RangeError(`the bytes end early; at=${offset}`)
  return byte
}

function isList(value: readonly DataValue[] | DataMap): value is readonly DataValue[] {
  return Array.isArray(value)
}
