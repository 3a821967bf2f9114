import { buildTree, type CidBytes, cidOf, nodeCid, tidFromTimeUs } from '@orrery/repo'
import type { Random } from '../activity/random.ts'
import { pickCollection } from './traffic.ts'

/**
 * What an account did before anybody looked: a tree of records whose own bytes are nowhere. It is never changed, so any
 * number of accounts can begin with the same one, and a network of thousands with trees of thousands takes little.
 */
export interface Past {
  readonly root: CidBytes
  /** The tree's nodes by `cidKey`. */
  readonly nodes: ReadonlyMap<string, Uint8Array>
  /** `collection/rkey` of each record, in the tree's order. */
  readonly paths: readonly string[]
}

/** Record keys of the past are times before this, microseconds since 1970: the end of 2025. */
const endUs = Date.UTC(2025, 11, 31) * 1000
const spanUs = 365 * 86_400 * 1_000_000

/** Makes up a past of so many records, spread over a year and over collections as new ones are. At least one. */
export function makePast(records: number, random: Random): Past {
  const paths = new Set<string>()
  while (paths.size < Math.max(1, records)) {
    const collection = pickCollection(random)
    if (collection === 'app.bsky.actor.profile') continue
    paths.add(
      `${collection}/${tidFromTimeUs(endUs - Math.floor(random.next() * spanUs), random.below(1024))}`,
    )
  }
  const sorted = [...paths].toSorted()
  const nodes = new Map<string, Uint8Array>()
  const entries = sorted.map(key => ({ key, value: cidOf(Buffer.from(key)).bytes }))
  const root = nodeCid(buildTree(entries), (cid, bytes) => nodes.set(cidKey(cid), bytes))
  return { root, nodes, paths: sorted }
}

/** The bytes of a CID as a string: a cheaper key than its text. */
export function cidKey(cid: CidBytes): string {
  return Buffer.from(cid.buffer, cid.byteOffset, cid.length).toString('latin1')
}
