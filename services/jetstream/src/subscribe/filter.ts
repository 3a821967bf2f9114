import { hash } from 'node:crypto'
import { isValidDid } from '@atproto/syntax'
import { isCollection } from '@orrery/repo'
import { type Filter, type LogBlock, textStart, wantsAll } from '@orrery/server'
import { type EntryKind, indexOf } from '../entry.ts'

/** What a subscriber wants, as it says it: in the query, or in an `options_update`. */
export interface FilterParams {
  /** NSIDs, or the head of one and `.*`. Empty for all. */
  collections: readonly string[]
  /** Empty for all. */
  dids: readonly string[]
  /** Empty for all. */
  kinds: readonly string[]
  /** The longest line that is wanted, bytes; 0 for any. */
  maxBytes: number
}

/** What a filter may hold, after what is there twice is taken out. */
export const filterLimits = { collections: 100, dids: 10_000 } as const

/** Before that, a list a hundred times as long is refused unread. */
const rawFactor = 100

const kinds: readonly string[] = ['commit', 'identity', 'account'] satisfies EntryKind[]

/** Thrown for a filter that cannot be; `message` names the parameter and the value. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
}

/**
 * Makes the filter of a subscriber. DIDs restrict every kind of event, collections only commits: an account's identity
 * and status concern whoever follows any of its collections.
 *
 * @throws FilterError
 */
export function createFilter(params: FilterParams): Filter {
  const collections = unique('wantedCollections', params.collections, filterLimits.collections)
  const dids = unique('wantedDids', params.dids, filterLimits.dids)
  const wanted = unique('wantedKinds', params.kinds, kinds.length)
  const exact = new Set<string>()
  const prefixes: string[] = []
  for (const pattern of collections) {
    // The head is not looked at, as on the servers that clients come from; one that fits nothing selects nothing.
    if (pattern.endsWith('.*')) prefixes.push(pattern.slice(0, -1))
    else if (isCollection(pattern)) exact.add(pattern)
    else throw new FilterError(`invalid collection: ${shown(pattern)}`)
  }
  for (const did of dids) if (!isValidDid(did)) throw new FilterError(`invalid did: ${shown(did)}`)
  for (const kind of wanted) {
    if (!kinds.includes(kind)) {
      throw new FilterError(`invalid wantedKinds: ${shown(kind)}; there are ${kinds.join(', ')}`)
    }
  }
  const { maxBytes } = params
  const [anyCollection, anyDid, anyKind] = [collections.length === 0, dids.length === 0, wanted.length === 0]
  if (anyCollection && anyDid && anyKind && maxBytes === 0) return wantsAll

  const didSet = new Set(dids)
  const kindSet = new Set(wanted)
  // A block has a few dozen collections over and over.
  const known = new Map<string, boolean>()
  function fitsCollection(collection: string): boolean {
    let fits = known.get(collection)
    if (fits === undefined) {
      fits = exact.has(collection) || prefixes.some(prefix => collection.startsWith(prefix))
      // Collections are anybody's to invent; the memory of them is not.
      if (known.size < 10_000) known.set(collection, fits)
    }
    return fits
  }

  return {
    key: keyOf([collections, dids, wanted, [String(maxBytes)]]),
    select(block: LogBlock): readonly number[] {
      const { kinds: kindsOf, dids: didsOf, collections: collectionsOf } = indexOf(block)
      const chosen: number[] = []
      for (let i = 0; i < block.count; i++) {
        if (!anyKind && !kindSet.has(kindsOf[i]!)) continue
        if (!anyDid && !didSet.has(didsOf[i]!)) continue
        if (!anyCollection && kindsOf[i] === 'commit' && !fitsCollection(collectionsOf[i]!)) continue
        if (maxBytes > 0 && block.ends[i]! - textStart(block, i) > maxBytes) continue
        chosen.push(i)
      }
      return chosen
    },
  }
}

/** Filters that want the same have the same key, in whatever order they say it. */
function keyOf(lists: readonly (readonly string[])[]): string {
  return hash('sha256', JSON.stringify(lists.map(list => list.toSorted())), 'base64url')
}

function unique(name: string, values: readonly string[], max: number): string[] {
  const distinct = values.length > max * rawFactor ? undefined : new Set(values)
  if (!distinct || distinct.size > max) throw new FilterError(`too many ${name}: at most ${max}`)
  return [...distinct]
}

function shown(value: string): string {
  return value.slice(0, 100)
}
