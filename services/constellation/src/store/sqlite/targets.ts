import type { Source } from '../../store.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import type { Names } from './names.ts'
import { parseRkey, rkeyBytes, tidAt } from './rkey.ts'

// Targets as keys. Most are records with a TID: twelve bytes instead of seventy. A key tells its own length, and the keys
// under an account begin alike. They are in the order of their numbers first. The writer has them as strings of one byte a character, which are smaller than buffers and
// are looked up and compared at once.
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

/** The key of a target. With `'add'` its texts get numbers; otherwise undefined where one has none. */
export function targetKey(target: string, names: Dictionary, mode: 'add'): string
export function targetKey(target: string, names: Dictionary, mode: 'find'): string | undefined
export function targetKey(target: string, names: Dictionary, mode: 'add' | 'find'): string | undefined {
  const number = (of: Names, name: string): number | undefined =>
    mode === 'add' ? of.number(name) : of.find(name)
  if (target.startsWith('did:')) return key(number(names.dids, target), kinds.did)
  if (!target.startsWith('at://did:')) return key(number(names.texts, target), kinds.text)

  const end = endOfAuthority(target)
  const did = number(names.dids, target.slice(5, end))
  const slash = target.indexOf('/', end + 1)
  // A TID has 13 characters, and nothing follows it.
  if (target[end] === '/' && slash > end + 1 && target.length === slash + 14) {
    const tid = parseRkey(target.slice(slash + 1))
    if (!('text' in tid)) {
      const collection = number(names.collections, target.slice(end + 1, slash))
      return collection === undefined ? undefined : key(did, kinds.record, collection, rkeyBytes(tid))
    }
  }
  const bytes = Buffer.from(target.slice(end))
  return key(did, kinds.under, bytes.length, bytes)
}

function endOfAuthority(target: string): number {
  for (let at = 9; at < target.length; at++) {
    const code = target.charCodeAt(at)
    if (code === 0x2f || code === 0x3f || code === 0x23) return at
  }
  return target.length
}

function key(id: number | undefined, kind: number, number?: number, bytes?: Uint8Array): string | undefined {
  if (id === undefined) return undefined
  writer.reset().ordered(id * 4 + kind)
  if (number !== undefined) writer.varint(number).bytes(bytes!)
  return writer.takeText()
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

/** The number that a key begins with. */
export function keyHead(target: string): number {
  const head = target.charCodeAt(0)
  if (head < 128) return head
  let more = 1
  while (more < 5 && (head & (0x80 >> more)) !== 0) more++
  let value = head & (0x7f >> more)
  for (let at = 1; at <= more; at++) value = value * 256 + target.charCodeAt(at)
  return value
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
