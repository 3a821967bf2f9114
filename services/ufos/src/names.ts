import type { Child } from './store.ts'

/** The child of a group that an NSID belongs to: itself, or the group in the group; undefined where it is not under the prefix. */
export function childOf(nsid: string, prefix: string): Pick<Child, 'nsid' | 'type'> | undefined {
  if (!nsid.startsWith(`${prefix}.`)) return undefined
  const end = nsid.indexOf('.', prefix.length + 1)
  return end === -1 ? { nsid, type: 'collection' } : { nsid: nsid.slice(0, end), type: 'prefix' }
}

/** By name, in byte order; of one name the collection comes first. NSIDs are ASCII, so units of UTF-16 are bytes. */
export function compareChildren(a: Pick<Child, 'nsid' | 'type'>, b: Pick<Child, 'nsid' | 'type'>): number {
  return compareText(a.nsid, b.nsid) || compareText(a.type, b.type)
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** How many of the terms, which are in lower case, are in an NSID in any case. */
export function termsIn(nsid: string, terms: readonly string[]): number {
  const folded = nsid.toLowerCase()
  return terms.reduce((sum, term) => sum + (folded.includes(term) ? 1 : 0), 0)
}
