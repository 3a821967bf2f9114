import { randomInt } from 'node:crypto'
import type { Gathered } from './gathered.ts'
import type { Place } from './places.ts'

/**
 * Which records were gathered last, by their places: numbers in a table of a power of two, of which less than half is in
 * use. A Map would need a text for each.
 */
export class PlaceIndex {
  readonly #gathered: Gathered
  /** Numbers, 1 more; 0 is free. */
  #table = new Uint32Array(64)
  /** How many are there. */
  #count = 0

  constructor(gathered: Gathered) {
    this.#gathered = gathered
  }

  /** The record of a place, if one was gathered. */
  find(place: Place): number | undefined {
    const entry = this.#table[this.#slotOf(place)]!
    return entry === 0 ? undefined : entry - 1
  }

  /** Enters a record, instead of one of the same place. */
  add(number: number): void {
    if (this.#count * 2 >= this.#table.length) this.#grow()
    const slot = this.#slotOf(this.#gathered.placeOf(number))
    if (this.#table[slot] === 0) this.#count++
    this.#table[slot] = number + 1
  }

  /** All that are there, in any order. */
  numbers(): Uint32Array {
    const numbers = new Uint32Array(this.#count)
    let at = 0
    for (const entry of this.#table) if (entry > 0) numbers[at++] = entry - 1
    return numbers
  }

  clear(): void {
    if (this.#count > 0) this.#table.fill(0)
    this.#count = 0
  }

  #grow(): void {
    const numbers = this.numbers()
    this.#table = new Uint32Array(this.#table.length * 2)
    for (const number of numbers) this.#table[this.#slotOf(this.#gathered.placeOf(number))] = number + 1
  }

  /** Where a place is, or would be. */
  #slotOf(place: Place): number {
    const mask = this.#table.length - 1
    let slot = hashOfPlace(place) & mask
    for (; ; slot = (slot + 1) & mask) {
      const entry = this.#table[slot]!
      if (entry === 0 || this.#gathered.isAt(entry - 1, place)) return slot
    }
  }
}

/** Of this process: keys are chosen by whoever writes the records, and must not be chosen to lie together. */
const seed = randomInt(2 ** 32)

/** 32 bits without a sign; another number in every process. */
export function hashOfPlace({ hour, did, collection, tid, text }: Place): number {
  let hash = seed ^ Math.imul(did, 0x9e37_79b1) ^ Math.imul(hour ^ (collection << 20), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (tid % 2 ** 20), 0xc2b2_ae35)
  hash = Math.imul(hash ^ (hash >>> 15) ^ (tid / 2 ** 20), 0x27d4_eb2f)
  if (text) for (const byte of text) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return (hash ^ (hash >>> 15)) >>> 0
}
