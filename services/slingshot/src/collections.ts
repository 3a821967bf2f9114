/** Whether records of a collection are kept as they happen. */
export type WantsCollection = (collection: string) => boolean

/** From `--collections` (empty: all) and `--skip-collections`: NSIDs, and namespaces as `ns.*`. */
export function chooseCollections(wanted: readonly string[], skipped: readonly string[]): WantsCollection {
  const isWanted = matcher(wanted)
  const isSkipped = matcher(skipped)
  return collection => (wanted.length === 0 || isWanted(collection)) && !isSkipped(collection)
}

function matcher(patterns: readonly string[]): WantsCollection {
  const exact = new Set(patterns.filter(pattern => !pattern.endsWith('.*')))
  const prefixes = patterns.filter(pattern => pattern.endsWith('.*')).map(pattern => pattern.slice(0, -1))
  return collection => exact.has(collection) || prefixes.some(prefix => collection.startsWith(prefix))
}
