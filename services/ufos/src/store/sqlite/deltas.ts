import { hourOf } from '../../time.ts'

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
  elements: number[]
}

/** Gathers the events of a batch. */
export class DeltaMaker {
  readonly #deltas = new Map<number, Delta & { seen: Set<number> }>()

  add(collection: number, kind: 'create' | 'update' | 'delete', timeUs: number, element: number): void {
    const hour = hourOf(timeUs)
    // Hours have 20 bits until the year 2089, collections 32.
    const key = collection * 2 ** 21 + hour
    let delta = this.#deltas.get(key)
    if (!delta) {
      const times = { firstUs: timeUs, lastUs: timeUs }
      delta = {
        collection,
        hour,
        creates: 0,
        updates: 0,
        deletes: 0,
        ...times,
        elements: [],
        seen: new Set(),
      }
      this.#deltas.set(key, delta)
    }
    if (kind === 'create') delta.creates++
    else if (kind === 'update') delta.updates++
    else delta.deletes++
    if (timeUs < delta.firstUs) delta.firstUs = timeUs
    if (timeUs > delta.lastUs) delta.lastUs = timeUs
    if (delta.seen.has(element)) return
    delta.seen.add(element)
    delta.elements.push(element)
  }

  get all(): Delta[] {
    return [...this.#deltas.values()]
  }
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
    const elements = [...numbers.subarray(at, at + count)]
    at += count
    deltas.push({ collection, hour, creates, updates, deletes, firstUs, lastUs, elements })
  }
  return deltas
}
