import type { Columns } from './batch.ts'
import { kinds } from './batch.ts'

/** The changes of a batch to one collection: their places, rising. */
export interface Group {
  collection: number
  places: Uint32Array
}

/** The changes of a batch by collection, which rise; `ids` are those of its NSIDs. Removals of accounts are in none. */
export function groupByCollection(
  { length, kinds: kindOf, collections }: Columns,
  ids: readonly number[],
): Group[] {
  const distinct = [...new Set(ids)].toSorted((a, b) => a - b)
  const slots = new Map(distinct.map((id, slot) => [id, slot]))
  const slotOf = Uint32Array.from(ids, id => slots.get(id)!)
  const ends = new Uint32Array(distinct.length + 1)
  for (let i = 0; i < length; i++) {
    if (kindOf[i] !== kinds.removeAccount) ends[slotOf[collections[i]!]! + 1]!++
  }
  for (let slot = 0; slot < distinct.length; slot++) ends[slot + 1]! += ends[slot]!
  const starts = ends.slice()
  const places = new Uint32Array(ends.at(-1)!)
  for (let i = 0; i < length; i++) {
    if (kindOf[i] !== kinds.removeAccount) places[starts[slotOf[collections[i]!]!]!++] = i
  }
  return distinct.map((collection, slot) => ({
    collection,
    places: places.subarray(ends[slot], ends[slot + 1]),
  }))
}
