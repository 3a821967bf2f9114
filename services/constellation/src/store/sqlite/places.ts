import { formatTid, type Rkey, type Tid } from './rkey.ts'

// Where things lie in the two trees: by the hour of a record's key, then by account, collection and key. Keys are about as
// old as their records, and what is linked to is mostly new, so that what comes in goes where rows were touched a moment ago.

/** Which record, in the numbers that put records in order; or what else is linked to. */
export interface Place {
  /** Of its key, since 1970; one of `hours` where it has no such key. */
  hour: number
  /** The number of the account, or of a text. */
  did: number
  collection: number
  /** The microseconds of a TID within its hour × 1024 + its clock. */
  tid: number
  /** Any other key, in UTF-8; of what is linked to, all that follows the DID. */
  text: Uint8Array | undefined
}

const hourMicros = 3_600_000_000

/** Beyond the hours of all TIDs that `parseRkey` takes for one: keys that are none, accounts themselves, and any text. */
export const hours = { text: 2 ** 20, did: 2 ** 20 + 1, plain: 2 ** 20 + 2 } as const

export function placeOf(did: number, collection: number, rkey: Rkey): Place {
  if ('text' in rkey) return { hour: hours.text, did, collection, tid: 0, text: rkey.text }
  const hour = Math.floor(rkey.micros / hourMicros)
  const tid = (rkey.micros - hour * hourMicros) * 1024 + rkey.clock
  return { hour, did, collection, tid, text: undefined }
}

/** The TID that a place stands for. */
export function tidOfPlace(hour: number, tid: number): Tid {
  return { micros: hour * hourMicros + Math.floor(tid / 1024), clock: tid % 1024 }
}

/** The record key of a place. */
export function rkeyOf({ hour, tid, text }: Place): string {
  if (text) return Buffer.from(text).toString()
  const { micros, clock } = tidOfPlace(hour, tid)
  return formatTid(micros, clock)
}

/** Below 0 where the first comes first. */
export function comparePlaces(a: Place, b: Place): number {
  return (
    a.hour - b.hour ||
    a.did - b.did ||
    a.collection - b.collection ||
    (a.text && b.text ? compareTexts(a.text, b.text) : a.tid - b.tid)
  )
}

/** Shorter ones come first. */
export function compareTexts(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || Buffer.compare(a, b)
}

/** A place within its hour as bytes in the same order; with a source, that of a list. */
export function firstBytes({ did, collection, tid, text }: Place, source?: number): Buffer {
  const keyBytes = text ? 3 + text.length : 6
  const bytes = Buffer.allocUnsafe(9 + keyBytes + (source === undefined ? 0 : 4))
  bytes.writeUIntBE(did, 0, 5)
  bytes.writeUInt32BE(collection, 5)
  if (text) {
    bytes.writeUIntBE(text.length, 9, 3)
    bytes.set(text, 12)
  } else bytes.writeUIntBE(tid, 9, 6)
  if (source !== undefined) bytes.writeUInt32BE(source, 9 + keyBytes)
  return bytes
}

/** The place that such bytes are of, and the source, 0 where there is none. */
export function placeOfBytes(hour: number, bytes: Buffer): Place & { source: number } {
  const isText = hour === hours.text
  const keyEnd = 9 + (isText ? 3 + bytes.readUIntBE(9, 3) : 6)
  return {
    hour,
    did: bytes.readUIntBE(0, 5),
    collection: bytes.readUInt32BE(5),
    tid: isText ? 0 : bytes.readUIntBE(9, 6),
    text: isText ? bytes.subarray(12, keyEnd) : undefined,
    source: bytes.length > keyEnd ? bytes.readUInt32BE(keyEnd) : 0,
  }
}
