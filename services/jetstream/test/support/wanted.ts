import type { Logged } from './logged.ts'

/** What a subscriber asks for; an empty list is no limit. A model of the filter, written apart from the one under test. */
export interface Wanted {
  collections: readonly string[]
  dids: readonly string[]
  kinds: readonly string[]
  /** 0 for any size. */
  maxBytes: number
}

export const everything: Wanted = { collections: [], dids: [], kinds: [], maxBytes: 0 }

/** Whether an event is to be sent to who asks for this. */
export function wants({ collections, dids, kinds, maxBytes }: Wanted, event: Logged): boolean {
  if (kinds.length > 0 && !kinds.includes(event.kind)) return false
  if (dids.length > 0 && !dids.includes(event.did)) return false
  if (maxBytes > 0 && Buffer.byteLength(event.line) > maxBytes) return false
  if (event.kind !== 'commit' || collections.length === 0) return true
  return collections.some(wanted => {
    if (!wanted.endsWith('*')) return event.collection === wanted
    return event.collection.startsWith(wanted.slice(0, -1))
  })
}

/** As parameters of the query. */
export function toQuery({ collections, dids, kinds, maxBytes }: Wanted): [string, string][] {
  return [
    ...collections.map((value): [string, string] => ['wantedCollections', value]),
    ...dids.map((value): [string, string] => ['wantedDids', value]),
    ...kinds.map((value): [string, string] => ['wantedKinds', value]),
    ...(maxBytes > 0 ? [['maxMessageSizeBytes', String(maxBytes)] satisfies [string, string]] : []),
  ]
}

/** As an `options_update`. */
export function toUpdate({ collections, dids, kinds, maxBytes }: Wanted): string {
  const payload = {
    wantedCollections: collections,
    wantedDids: dids,
    wantedKinds: kinds,
    maxMessageSizeBytes: maxBytes,
  }
  return JSON.stringify({ type: 'options_update', payload })
}
