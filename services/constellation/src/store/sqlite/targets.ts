import type { Source } from '../../store.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import type { Names } from './names.ts'
import { parseRkey, rkeyBytes, type Tid, tidAt } from './rkey.ts'

// Targets as keys. Most are records with a TID: twelve bytes instead of seventy. A key tells its own length, and the keys
// under an account begin alike. They are in the order of their numbers first. Where they are looked up and compared they
// are strings of one byte a character, which are smaller than buffers.
//
//   key = number of a text × 4 + 0                        any text
//       | number of a DID × 4 + 1                         the DID
//       | … + 2 · number of the collection · TID          at://did/collection/tid
//       | … + 3 · length · UTF-8                          at://did and whatever follows

const kinds = { text: 0, did: 1, record: 2, under: 3 } as const

/** The numbered texts of an index. */
export interface Dictionary {
  dids: Names
  collections: Names
  sources: Names
  texts: Names
}

const writer = new ByteWriter()

/** A target taken apart, as its key has it. */
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

/** The key of a target; undefined where nothing links to anything like it. */
export function targetKey(target: string, names: Dictionary): string | undefined {
  const parts = parseTarget(target)
  const id = parts.kind === 'text' ? names.texts.find(parts.text) : names.dids.find(parts.did)
  if (id === undefined) return undefined
  writer.reset()
  switch (parts.kind) {
    case 'record': {
      const collection = names.collections.find(parts.collection)
      if (collection === undefined) return undefined
      writeKey.record(writer, id, collection, rkeyBytes(parts.tid))
      break
    }
    case 'under':
      writeKey.under(writer, id, Buffer.from(parts.rest))
      break
    case 'text':
    case 'did':
      writeKey[parts.kind](writer, id)
  }
  return writer.takeText()
}

/** Writes keys: of what has which numbers. */
export const writeKey = {
  text: (to: ByteWriter, text: number): void => void to.ordered(text * 4 + kinds.text),
  did: (to: ByteWriter, did: number): void => void to.ordered(did * 4 + kinds.did),
  /** `tid` is in eight bytes. */
  record(to: ByteWriter, did: number, collection: number, tid: Uint8Array): void {
    to.ordered(did * 4 + kinds.record)
      .varint(collection)
      .bytes(tid)
  },
  /** `rest` is in UTF-8. */
  under(to: ByteWriter, did: number, rest: Uint8Array): void {
    to.ordered(did * 4 + kinds.under)
      .varint(rest.length)
      .bytes(rest)
  },
}

/** The bytes of a key, as rows have it. */
export function keyBytes(target: string): Buffer {
  return Buffer.from(target, 'latin1')
}

/** Passes over the key that a reader stands at, and answers a view of it. */
export function takeTargetKey(reader: ByteReader): Uint8Array {
  const from = reader.at
  const kind = reader.ordered() % 4
  if (kind === kinds.record) {
    reader.varint()
    reader.skip(8)
  } else if (kind === kinds.under) reader.skip(reader.varint())
  return reader.bytes.subarray(from, reader.at)
}

/** The target of a key. */
export function targetOf(bytes: Uint8Array, names: Dictionary): string {
  const reader = new ByteReader(bytes)
  const head = reader.ordered()
  const id = Math.floor(head / 4)
  switch (head % 4) {
    case kinds.text:
      return names.texts.name(id)
    case kinds.did:
      return names.dids.name(id)
    case kinds.record: {
      const collection = names.collections.name(reader.varint())
      return `at://${names.dids.name(id)}/${collection}/${tidAt(bytes, reader.at)}`
    }
    default:
      return `at://${names.dids.name(id)}${Buffer.from(reader.take(reader.varint())).toString()}`
  }
}

/** The ranges of keys under an account, in order: the DID itself, its records, the rest; each from, and up to before. */
export function accountRanges(did: number): [from: Buffer, before: Buffer][] {
  const bytes = (kind: number): Buffer =>
    writer
      .reset()
      .ordered(did * 4 + kind)
      .take()
  return [kinds.did, kinds.record, kinds.under].map(kind => [bytes(kind), bytes(kind + 1)])
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
