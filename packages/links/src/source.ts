import { isCollection } from '@orrery/repo'
import { defaultLimits } from './extraction.ts'

/** The longest text that is taken for a source: an NSID, a colon and the longest path. */
const maxSourceLength = 317 + 1 + defaultLimits.maxPathLength

/** Where links stand: in records of a collection, at a path. */
export interface Source {
  /** An NSID. */
  collection: string
  /** As extraction gives it, with its leading dot: `.subject.uri`. */
  path: string
}

/** A source as text: `app.bsky.feed.like:subject.uri`. The leading dot of the path is left out. */
export function formatSource(collection: string, path: string): string {
  return `${collection}:${path.startsWith('.') ? path.slice(1) : path}`
}

/**
 * Takes a source apart at its first colon; undefined without a colon, or where the collection is not an NSID. The path
 * gets its leading dot, always: one that is written is part of the first key. So `formatSource` gives the text back for
 * every path of a record that is a map, and paths of other records cannot be named. Text of more than 2,366 characters is
 * no source.
 */
export function tryParseSource(text: string): Source | undefined {
  // Collections are remembered, and one cut from a long text would keep all of it.
  if (text.length > maxSourceLength) return undefined
  const colon = text.indexOf(':')
  const collection = text.slice(0, colon)
  return colon > 0 && isCollection(collection) ? { collection, path: `.${text.slice(colon + 1)}` } : undefined
}
