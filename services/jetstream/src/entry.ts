import { type LogBlock, textStart } from '@orrery/server'
import { collectionFromDid, didAt, kindFromDid, quote } from './line.ts'

/** What filters ask of an event, without parsing it. */
export type EntryKind = 'commit' | 'identity' | 'account'

/** The entries of a block as filters see them; index by entry. */
export interface EntryIndex {
  kinds: EntryKind[]
  dids: string[]
  /** The collection of a commit; otherwise empty. */
  collections: string[]
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
  const { frames, count } = block
  for (let i = 0; i < count; i++) {
    const didStart = textStart(block, i) + didAt
    const didEnd = frames.indexOf(quote, didStart)
    dids.push(frames.toString('latin1', didStart, didEnd))
    const letter = frames[didEnd + kindFromDid]
    const kind = letter === 0x63 ? 'commit' : letter === 0x69 ? 'identity' : 'account'
    kinds.push(kind)
    if (kind === 'commit') {
      const from = didEnd + collectionFromDid
      collections.push(frames.toString('latin1', from, frames.indexOf(quote, from)))
    } else collections.push('')
  }
  return { kinds, dids, collections }
}
