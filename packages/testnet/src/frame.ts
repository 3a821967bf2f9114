import { type DataMap, decodeCbor, encodeCbor } from './dag-cbor.ts'

/** One message of `com.atproto.sync.subscribeRepos` as plain data. */
export interface Frame {
  /** `{ op: 1, t: '#commit' }` and the like for a message, `{ op: -1 }` for an error. */
  readonly header: DataMap
  readonly body: DataMap
}

/** The bytes of a frame: header and body, each one item of DAG-CBOR, one after the other. */
export function encodeFrame({ header, body }: Frame): Uint8Array {
  return Buffer.concat([encodeCbor(header), encodeCbor(body)])
}

/**
 * Reads a frame back. Bytes in it are views into `bytes`.
 *
 * @throws RangeError or TypeError when the bytes are not two maps of DAG-CBOR and nothing more.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const header = decodeCbor(bytes)
  const body = decodeCbor(bytes, header.end)
  if (body.end !== bytes.length) throw new TypeError(`bytes after the body; count=${bytes.length - body.end}`)
  return { header: asMap(header.value), body: asMap(body.value) }
}

/** Like {@link decodeFrame}, with `undefined` for bytes that are no frame. */
export function tryDecodeFrame(bytes: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(bytes)
  } catch {
    return undefined
  }
}

/** The sequence number in a frame's body; `undefined` where there is none or the bytes are no frame at all. */
export function seqOf(bytes: Uint8Array): number | undefined {
  const seq = tryDecodeFrame(bytes)?.body.seq
  return typeof seq === 'number' ? seq : undefined
}

/** An error frame: after it the sender closes the connection. */
export function errorFrame(error: string, message?: string): Frame {
  return { header: { op: -1 }, body: { error, message } }
}

/** An `#info` frame, which has no sequence number. */
export function infoFrame(name: string, message?: string): Frame {
  return { header: { op: 1, t: '#info' }, body: { name, message } }
}

function asMap(value: unknown): DataMap {
  if (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  ) {
    return value as DataMap
  }
  throw new TypeError('a frame holds two maps')
}
