import { type CborValue } from './cbor/decode.ts'
import { maxDepth } from './cbor/reader.ts'
import { Cid, tryParseCid } from './cid.ts'
import { RepoError } from './errors.ts'

/**
 * The data-model value that a parsed JSON value stands for: `$link` becomes a CID, `$bytes` bytes; numbers must be
 * whole, `$type` non-empty text, blobs complete. Encode it with `encodeCbor` to get a record's bytes and CID.
 *
 * @throws RepoError `json_invalid`
 * @see https://atproto.com/specs/data-model
 */
export function valueFromJson(json: unknown, depth = 0): CborValue {
  if (json === null || typeof json === 'boolean' || typeof json === 'string') return json
  if (typeof json === 'number') {
    if (!Number.isSafeInteger(json)) throw invalid(`number=${json}`)
    return json
  }
  if (Array.isArray(json) && depth < maxDepth) return json.map(item => valueFromJson(item, depth + 1))
  if (typeof json !== 'object') throw invalid(`type=${typeof json}`)

  const source = json as Record<string, unknown>
  const keys = Object.keys(source)
  if (Object.hasOwn(source, '$link')) return linkFromJson(source, keys.length)
  if (Object.hasOwn(source, '$bytes')) return bytesFromJson(source, keys.length)
  if (depth >= maxDepth) throw invalid('nested too deep')
  if (Object.hasOwn(source, '$type')) checkType(source)
  const object: { [key: string]: CborValue } = {}
  for (const key of keys) {
    const value = valueFromJson(source[key], depth + 1)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

/** The JSON form of a data-model value, for `JSON.stringify`. Bigints lose precision; use `RecordTranscoder` for records. */
export function valueToJson(value: CborValue): unknown {
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? Number(value) : value
  if (value instanceof Cid) return value.toJSON()
  if (value instanceof Uint8Array) {
    return { $bytes: Buffer.from(value).toString('base64').replace(/=+$/, '') }
  }
  if (Array.isArray(value)) return value.map(valueToJson)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, valueToJson(item)]))
}

function linkFromJson(source: Record<string, unknown>, keys: number): Cid {
  const text = source.$link
  const cid = keys === 1 && typeof text === 'string' ? tryParseCid(text) : undefined
  if (!cid) throw invalid('$link')
  return cid
}

function bytesFromJson(source: Record<string, unknown>, keys: number): Uint8Array {
  const text = source.$bytes
  if (keys !== 1 || typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw invalid('$bytes')
  // One character alone is six bits, which are no byte.
  if (text.replace(/=+$/, '').length % 4 === 1) throw invalid('$bytes')
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function checkType(source: Record<string, unknown>): void {
  const type = source.$type
  if (typeof type !== 'string' || type === '') throw invalid('$type')
  if (type !== 'blob') return
  const { ref, size, mimeType } = source
  const linked = typeof ref === 'object' && ref !== null && '$link' in ref
  if (!linked || typeof mimeType !== 'string' || !Number.isSafeInteger(size) || Number(size) < 0) {
    throw invalid('blob')
  }
}

function invalid(detail: string): RepoError {
  return new RepoError('json_invalid', detail)
}
