import { hourOf } from '../../time.ts'
import { type Columns, kinds } from './batch.ts'
import type { Group } from './grouped.ts'

/** What one batch adds to one collection in one hour. */
export interface Delta {
  collection: number
  hour: number
  creates: number
  updates: number
  deletes: number
  firstUs: number
  lastUs: number
  /** The accounts, as elements of sketches, each once. */
  elements: Float64Array
}

/** What the changes of a batch add to the counts. */
export function deltasOf(columns: Columns, groups: readonly Group[]): Delta[] {
  return groups.flatMap(({ collection, places }) =>
    byHour(columns, places).map(part => deltaOf(columns, { collection, places: part })),
  )
}

/** The changes of each hour; mostly there is one. */
function byHour({ times }: Columns, places: Uint32Array): Uint32Array[] {
  const hour = hourOf(times[places[0]!]!)
  if (places.every(i => hourOf(times[i]!) === hour)) return [places]
  return [...Map.groupBy(places, i => hourOf(times[i]!)).values()].map(part => Uint32Array.from(part))
}

function deltaOf({ kinds: kindOf, times, elements }: Columns, { collection, places }: Group): Delta {
  const counts = [0, 0, 0]
  const own = new Float64Array(places.length)
  let firstUs = Number.POSITIVE_INFINITY
  let lastUs = 0
  for (let at = 0; at < places.length; at++) {
    const i = places[at]!
    counts[kindOf[i]!]!++
    own[at] = elements[i]!
    firstUs = Math.min(firstUs, times[i]!)
    lastUs = Math.max(lastUs, times[i]!)
  }
  return {
    collection,
    hour: hourOf(firstUs),
    creates: counts[kinds.create]!,
    updates: counts[kinds.update]!,
    deletes: counts[kinds.delete]!,
    firstUs,
    lastUs,
    elements: eachOnce(own),
  }
}

/** In rising order, in the memory of what was given. */
function eachOnce(numbers: Float64Array): Float64Array {
  if (numbers.length < 2) return numbers
  numbers.sort()
  let count = 1
  for (let i = 1; i < numbers.length; i++) {
    if (numbers[i] !== numbers[i - 1]) numbers[count++] = numbers[i]!
  }
  return numbers.subarray(0, count)
}

const headNumbers = 8

/** Deltas as the journal keeps them: numbers of eight bytes, in the byte order of the machine. */
export function encodeDeltas(deltas: readonly Delta[]): Uint8Array {
  const length = deltas.reduce((sum, { elements }) => sum + headNumbers + elements.length, 0)
  const numbers = new Float64Array(length)
  let at = 0
  for (const { collection, hour, creates, updates, deletes, firstUs, lastUs, elements } of deltas) {
    numbers.set([collection, hour, creates, updates, deletes, firstUs, lastUs, elements.length], at)
    numbers.set(elements, at + headNumbers)
    at += headNumbers + elements.length
  }
  return new Uint8Array(numbers.buffer)
}

export function decodeDeltas(bytes: Uint8Array): Delta[] {
  const numbers = new Float64Array(bytes.slice().buffer)
  const deltas: Delta[] = []
  for (let at = 0; at < numbers.length;) {
    const [collection, hour, creates, updates, deletes, firstUs, lastUs, count] = numbers.subarray(
      at,
      at + headNumbers,
    ) as unknown as [number, number, number, number, number, number, number, number]
    at += headNumbers
    const elements = numbers.subarray(at, at + count)
    at += count
    deltas.push({ collection, hour, creates, updates, deletes, firstUs, lastUs, elements })
  }
  return deltas
}
