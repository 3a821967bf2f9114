import type { Source } from '../../store.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import type { Names } from './names.ts'
import { hours, type Place, placeOf, tidOfPlace } from './places.ts'
import { formatTid, parseRkey, type Tid } from './rkey.ts'
import { tidOf, tidOfRkey } from './tid64.ts'

// Targets as rows of records have them. Most are records with a TID: twelve bytes instead of seventy. Where they are
// remembered and compared they are strings of one byte a character, which are smaller than buffers.
//
//   target = number of a text × 4 + 0                        any text
//          | number of a DID × 4 + 1                         the DID
//          | … + 2 · number of the collection · TID          at://did/collection/tid
//          | … + 3 · length · UTF-8                          at://did and whatever follows

const kinds = { text: 0, did: 1, record: 2, under: 3 } as const

/** The numbered texts of an index. */
export interface Dictionary {
  dids: Names
  collections: Names
  sources: Names
  texts: Names
}

const writer = new ByteWriter()

/** A target taken apart. */
export type TargetParts =
  | { kind: 'text'; text: string }
  | { kind: 'did'; did: string }
  | { kind: 'record'; did: string; collection: string; tid: Tid }
  | { kind: 'under'; did: string; rest: string }

export function parseTarget(target: string): TargetParts {
  if (target.startsWith('did:')) return { kind: 'did', did: target }
  if (!target.startsWith('at://did:')) return { kind: 'text', text: target }
  const end = endOfAuthority(target)
  const did = target.slice(5, end)
  const slash = target.indexOf('/', end + 1)
  // A TID has 13 characters, and nothing follows it.
  if (target[end] === '/' && slash > end + 1 && target.length === slash + 14) {
    const tid = parseRkey(target.slice(slash + 1))
    if (!('text' in tid)) return { kind: 'record', did, collection: target.slice(end + 1, slash), tid }
  }
  return { kind: 'under', did, rest: target.slice(end) }
}

function endOfAuthority(target: string): number {
  for (let at = 9; at < target.length; at++) {
    const code = target.charCodeAt(at)
    if (code === 0x2f || code === 0x3f || code === 0x23) return at
  }
  return target.length
}

/** Where a target lies; undefined where nothing links to anything like it. */
export function placeOfTarget(target: string, names: Dictionary): Place | undefined {
  const parts = parseTarget(target)
  const id = parts.kind === 'text' ? names.texts.find(parts.text) : names.dids.find(parts.did)
  if (id === undefined) return undefined
  if (parts.kind === 'under') return placeOf(id, 0, { text: Buffer.from(parts.rest) })
  if (parts.kind !== 'record') return bare(hours[parts.kind === 'did' ? 'did' : 'plain'], id)
  const collection = names.collections.find(parts.collection)
  return collection === undefined ? undefined : placeOf(id, collection, parts.tid)
}

/** Where an account or a text lies. */
export function bare(hour: number, id: number): Place {
  return { hour, did: id, collection: 0, tid: 0, text: undefined }
}

/** Writes the target at a place. */
export function writeTarget(to: ByteWriter, { hour, did, collection, tid, text }: Place): void {
  if (text)
    to.varint(did * 4 + kinds.under)
      .varint(text.length)
      .bytes(text)
  else if (hour === hours.did) to.varint(did * 4 + kinds.did)
  else if (hour === hours.plain) to.varint(did * 4 + kinds.text)
  else {
    const { high, low } = tidOfRkey(tidOfPlace(hour, tid))
    to.varint(did * 4 + kinds.record)
      .varint(collection)
      .four(high)
      .four(low)
  }
}

/** Passes over the target that a reader stands at. */
export function skipTarget(reader: ByteReader): void {
  const kind = reader.varint() % 4
  if (kind === kinds.record) {
    reader.varint()
    reader.skip(8)
  } else if (kind === kinds.under) reader.skip(reader.varint())
}

/** The target at a place as a string. */
export function keyOfPlace(place: Place): string {
  writer.reset()
  writeTarget(writer, place)
  return writer.takeText()
}

/** The place of such a string. */
export function placeOfKey(key: string): Place {
  const reader = new ByteReader(Buffer.from(key, 'latin1'))
  const head = reader.varint()
  const id = Math.floor(head / 4)
  switch (head % 4) {
    case kinds.text:
      return bare(hours.plain, id)
    case kinds.did:
      return bare(hours.did, id)
    case kinds.record: {
      const collection = reader.varint()
      return placeOf(id, collection, tidOf(reader.four(), reader.four()))
    }
    default:
      return placeOf(id, 0, { text: Buffer.from(reader.take(reader.varint())) })
  }
}

/** The target at a place. */
export function targetOf({ hour, did, collection, tid, text }: Place, names: Dictionary): string {
  if (hour === hours.plain) return names.texts.name(did)
  const account = names.dids.name(did)
  if (hour === hours.did) return account
  if (text) return `at://${account}${Buffer.from(text).toString()}`
  const { micros, clock } = tidOfPlace(hour, tid)
  return `at://${account}/${names.collections.name(collection)}/${formatTid(micros, clock)}`
}

/** A source's name in its table: the collection's number, and the path. */
export function sourceName(collection: number, path: string): string {
  return `${collection}:${path}`
}

export function sourceOf(id: number, names: Dictionary): Source {
  const name = names.sources.name(id)
  const colon = name.indexOf(':')
  return { collection: names.collections.name(Number(name.slice(0, colon))), path: name.slice(colon + 1) }
}
