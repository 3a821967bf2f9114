import { isValidNsid, isValidRecordKey } from '@atproto/syntax'
import { maxKeyBytes } from './mst/node.ts'

/** A repository path taken apart. */
export interface RecordPath {
  collection: string
  rkey: string
}

/** Collections come by the million and are few, so what was checked is remembered; the bound keeps a flood out. */
const knownCollections = new Set<string>()
const maxKnownCollections = 10_000

/**
 * Takes `collection/rkey` apart, or answers undefined where one of the two is not valid.
 *
 * @see https://atproto.com/specs/repository#repo-data-structure-v3
 */
export function tryParsePath(path: string): RecordPath | undefined {
  if (path.length > maxKeyBytes) return undefined
  const slash = path.indexOf('/')
  if (slash < 0) return undefined
  const collection = path.slice(0, slash)
  const rkey = path.slice(slash + 1)
  return isCollection(collection) && isValidRecordKey(rkey) ? { collection, rkey } : undefined
}

/** Whether the text is an NSID, as every collection is. Cheaper than parsing it for collections seen before. */
export function isCollection(text: string): boolean {
  if (knownCollections.has(text)) return true
  if (!isValidNsid(text)) return false
  // As a copy: a short string cut from a long one, such as the query of a request, keeps the long one alive.
  if (knownCollections.size < maxKnownCollections) knownCollections.add(Buffer.from(text).toString('latin1'))
  return true
}
