import type { Source } from '../../store.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import type { Names } from './names.ts'
import { parseRkey, rkeyBytes, tidAt } from './rkey.ts'

// Targets as keys. Most are records with a TID: twelve bytes instead of seventy. A key tells its own length, and the keys
// under an account begin alike.
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
export function targetKey(target: string, names: Dictionary, mode: 'add'): Buffer
export function targetKey(target: string, names: Dictionary, mode: 'find'): Buffer | undefined
export function targetKey(target: string, names: Dictionary, mode: 'add' | 'find'): Buffer | undefined {
  const number = (of: Names, name: string): number | undefined =>
    mode === 'add' ? of.number(name) : of.find(name)
  if (target.startsWith('did:')) return key(number(names.dids, target), kinds.did)
  const match = /^at:\/\/(did:[^/?#]*)/.exec(target)
  if (!match) return key(number(names.texts, target), kinds.text)

  const did = number(names.dids, match[1]!)
  const rest = target.slice(match[0].length)
  const [empty, collection, rkey, more] = rest.split('/', 4)
  if (empty === '' && collection && rkey && more === undefined) {
    const tid = parseRkey(rkey)
    if (!('text' in tid)) return key(did, kinds.record, number(names.collections, collection), rkeyBytes(tid))
  }
  const bytes = Buffer.from(rest)
  return key(did, kinds.under, bytes.length, bytes)
}

function key(id: number | undefined, kind: number, number?: number, bytes?: Uint8Array): Buffer | undefined {
  if (id === undefined || (kind === kinds.record && number === undefined)) return undefined
  writer.reset().varint(id * 4 + kind)
  if (number !== undefined) writer.varint(number).bytes(bytes!)
  return writer.take()
}

/** Passes over the key that a reader stands at, and answers a view of it. */
export function takeTargetKey(reader: ByteReader): Uint8Array {
  const from = reader.at
  const kind = reader.varint() % 4
  if (kind === kinds.record) {
    reader.varint()
    reader.skip(8)
  } else if (kind === kinds.under) reader.skip(reader.varint())
  return reader.bytes.subarray(from, reader.at)
}

/** The target of a key. */
export function targetOf(bytes: Uint8Array, names: Dictionary): string {
  const reader = new ByteReader(bytes)
  const head = reader.varint()
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
  return [kinds.did, kinds.record, kinds.under].map(kind => {
    const from = writer
      .reset()
      .varint(did * 4 + kind)
      .take()
    const before = Buffer.from(from)
    // The last byte of a number is below 128, so one more stays one byte.
    before[before.length - 1]!++
    return [from, before]
  })
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
