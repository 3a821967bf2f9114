import type { LogBlock } from '@orrery/server'

/** What filters ask of an event, without parsing it. */
export type EntryKind = 'commit' | 'identity' | 'account'

/** The entries of a block as filters see them; index by entry. */
export interface EntryIndex {
  kinds: EntryKind[]
  dids: string[]
  /** The collection of a commit; otherwise empty. */
  collections: string[]
}

// Every line begins {"did":"…","time_us":…,"kind":"…" and a commit goes on ,"commit":{"rev":"…","operation":"…",
// "collection":"…". Lines are made by encode.ts alone, a rev has 13 characters, a time 16 digits and each of the three
// operations six letters, so everything stands at a fixed distance from the end of the DID.
const didAt = '{"did":"'.length
const timeFromDid = '","time_us":'.length
const timeDigits = 16
const kindFromDid = timeFromDid + timeDigits + ',"kind":"'.length
const collectionFromDid =
  kindFromDid + 'commit","commit":{"rev":"1234567890123","operation":"create","collection":"'.length

const quote = 0x22

/** The `time_us` of the line that begins at `start`. */
export function timeUsAt(bytes: Buffer, start: number): number {
  let at = bytes.indexOf(quote, start + didAt) + timeFromDid
  let value = 0
  for (const end = at + timeDigits; at < end; at++) value = value * 10 + (bytes[at]! - 0x30)
  return value
}

const indices = new WeakMap<LogBlock, EntryIndex>()

/** The index of a block, made when first asked for and kept as long as the block. */
export function indexOf(block: LogBlock): EntryIndex {
  let index = indices.get(block)
  if (!index) {
    index = makeIndex(block)
    indices.set(block, index)
  }
  return index
}

function makeIndex(block: LogBlock): EntryIndex {
  const kinds: EntryKind[] = []
  const dids: string[] = []
  const collections: string[] = []
  const { bytes, ends } = block
  let start = 0
  for (const end of ends) {
    const didEnd = bytes.indexOf(quote, start + didAt)
    dids.push(bytes.toString('latin1', start + didAt, didEnd))
    const letter = bytes[didEnd + kindFromDid]
    const kind = letter === 0x63 ? 'commit' : letter === 0x69 ? 'identity' : 'account'
    kinds.push(kind)
    if (kind === 'commit') {
      const from = didEnd + collectionFromDid
      collections.push(bytes.toString('latin1', from, bytes.indexOf(quote, from)))
    } else collections.push('')
    start = end
  }
  return { kinds, dids, collections }
}
