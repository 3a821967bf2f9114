import { ByteReader, ByteWriter } from './bytes.ts'
import { tidAt } from './rkey.ts'
import { takeTargetKey } from './targets.ts'

// What records link to: stretches of a repository's collection, their keys rising.
//
//   stretch = record …
//   record  = number of links × 2 + whether the key is text · key · link …
//   key     = TID in eight bytes | length · UTF-8
//   link    = number of the source · key of the target · slot in the list

/** A link of a record as it is kept. */
export interface KeptLink {
  source: number
  target: Buffer
  slot: number
}

/** A record in a stretch. Where it is not there, `start` and `end` are both the place for it. */
export interface Place {
  found: boolean
  start: number
  end: number
  links: KeptLink[]
}

const writer = new ByteWriter()

/** Finds a record by its key in bytes (`rkeyBytes`). */
export function findRecord(stretch: Uint8Array, key: Uint8Array): Place {
  const reader = new ByteReader(stretch)
  while (!reader.done) {
    const start = reader.at
    const head = reader.varint()
    const order = compareKey(reader, head % 2 === 1, key)
    if (order > 0) return { found: false, start, end: start, links: [] }
    if (order === 0) {
      const links = readLinks(reader, Math.floor(head / 2))
      return { found: true, start, end: reader.at, links }
    }
    skipLinks(reader, Math.floor(head / 2))
  }
  return { found: false, start: reader.at, end: reader.at, links: [] }
}

/** All records of a stretch: the key of each as text, and its links. */
export function readRecords(stretch: Uint8Array): { rkey: string; links: KeptLink[] }[] {
  const reader = new ByteReader(stretch)
  const records: { rkey: string; links: KeptLink[] }[] = []
  while (!reader.done) {
    const head = reader.varint()
    const rkey =
      head % 2 === 1
        ? Buffer.from(reader.take(reader.varint())).toString()
        : tidAt(stretch, (reader.at += 8) - 8)
    records.push({ rkey, links: readLinks(reader, Math.floor(head / 2)) })
  }
  return records
}

/** A stretch with a record put in a place, or taken out where there are no links. */
export function withRecord(
  stretch: Uint8Array,
  { start, end }: Place,
  key: Uint8Array,
  links: readonly KeptLink[],
): Buffer {
  writer.reset().bytes(stretch.subarray(0, start))
  if (links.length > 0) {
    if (key[0] === 0xff) {
      writer.varint(links.length * 2 + 1).varint(key.length - 1)
      writer.bytes(key.subarray(1))
    } else writer.varint(links.length * 2).bytes(key)
    for (const { source, target, slot } of links) writer.varint(source).bytes(target).varint(slot)
  }
  writer.bytes(stretch.subarray(end))
  return writer.take()
}

/**
 * Cuts a stretch in two; undefined where it holds one record. A stretch that grew at its end is cut before its last record,
 * which leaves it full: keys of a repository mostly rise.
 */
export function cutStretch(
  stretch: Buffer,
  grewAtEnd: boolean,
): { low: Buffer; high: Buffer; first: Buffer } | undefined {
  const reader = new ByteReader(stretch)
  let cut = 0
  while (!reader.done) {
    const start = reader.at
    if (start > 0) cut = start
    if (!grewAtEnd && start >= stretch.length / 2) break
    const head = reader.varint()
    reader.skip(head % 2 === 1 ? reader.varint() : 8)
    skipLinks(reader, Math.floor(head / 2))
  }
  if (cut === 0) return undefined
  const at = new ByteReader(stretch, cut)
  const isText = at.varint() % 2 === 1
  const first = isText ? Buffer.concat([Buffer.from([0xff]), at.take(at.varint())]) : Buffer.from(at.take(8))
  return { low: stretch.subarray(0, cut), high: stretch.subarray(cut), first }
}

/** Reads a record's key and compares it with another. */
function compareKey(reader: ByteReader, isText: boolean, key: Uint8Array): number {
  const { bytes } = reader
  if (isText) {
    const length = reader.varint()
    const text = reader.take(length)
    return key[0] === 0xff ? Buffer.compare(text, key.subarray(1)) : 1
  }
  const at = reader.at
  reader.skip(8)
  if (key[0] === 0xff) return -1
  for (let i = 0; i < 8; i++) {
    const difference = bytes[at + i]! - key[i]!
    if (difference !== 0) return difference
  }
  return 0
}

function readLinks(reader: ByteReader, count: number): KeptLink[] {
  const links: KeptLink[] = []
  for (let i = 0; i < count; i++) {
    const source = reader.varint()
    const target = Buffer.from(takeTargetKey(reader))
    links.push({ source, target, slot: reader.varint() })
  }
  return links
}

function skipLinks(reader: ByteReader, count: number): void {
  for (let i = 0; i < count; i++) {
    reader.varint()
    takeTargetKey(reader)
    reader.varint()
  }
}
