import { ByteSink } from '../bytes.ts'
import type { CborValue } from '../cbor/decode.ts'
import { encodeCbor, writeValue } from '../cbor/encode.ts'

/** Writes a message frame: for networks made of our own bytes. `type` is `#commit`, `#account`, … */
export function encodeFrame(type: string, body: { [key: string]: CborValue }): Uint8Array {
  const sink = new ByteSink(4096)
  writeValue(sink, { t: type, op: 1 })
  writeValue(sink, body)
  return sink.copyOut()
}

/** Writes an error frame. */
export function encodeErrorFrame(error: string, message?: string): Uint8Array {
  const header = encodeCbor({ op: -1 })
  const body = encodeCbor(message === undefined ? { error } : { error, message })
  return Buffer.concat([header, body])
}
