import { type Batch, kinds } from './batch.ts'

/**
 * Those changes to a collection by which a record is there at the end of the batch, in the order of their times. Where
 * there are more than `enough`, the newest of them, `enough` or more.
 */
export function lastPuts(
  batch: Batch,
  { places, isHidden, enough }: { places: Uint32Array; isHidden: (i: number) => boolean; enough: number },
): number[] {
  const { kinds: kindOf, times } = batch.columns
  const isPut = (i: number): boolean => kindOf[i] !== kinds.delete && batch.hasJson(i) && !isHidden(i)
  if (places.length === 1) return [...places].filter(isPut)
  const isRising = places.every((i, at) => at === 0 || times[places[at - 1]!]! <= times[i]!)
  const seen = new Set<string>()
  const puts: number[] = []
  for (let at = places.length - 1; at >= 0; at--) {
    // None of those before is newer.
    if (isRising && puts.length === enough) break
    const i = places[at]!
    const key = batch.keyOf(i)
    if (seen.has(key)) continue
    seen.add(key)
    if (isPut(i)) puts.push(i)
  }
  puts.reverse()
  return isRising ? puts : puts.toSorted((a, b) => times[a]! - times[b]! || a - b)
}
