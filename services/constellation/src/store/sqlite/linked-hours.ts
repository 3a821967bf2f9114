import { doubled } from './bytes.ts'
import { initialRoom, muchRoom } from './gathered.ts'
import { dayKey, hourBit } from './schema.ts'

const hoursOfDay = 24

/** Hours in which accounts are linked to, as they are gathered: numbers in a column, as there may be very many. */
export class LinkedHours {
  /** Each its `dayKey` × 24 + the hour of the day. */
  #keys = new Float64Array(initialRoom)
  #count = 0

  add(did: number, hour: number): void {
    const key = dayKey(did, hour) * hoursOfDay + (hour % hoursOfDay)
    if (this.#count > 0 && this.#keys[this.#count - 1] === key) return
    if (this.#count === this.#keys.length) this.#keys = doubled(this.#keys)
    this.#keys[this.#count++] = key
  }

  /** Tells of each day, in order, with a bit for each hour. */
  eachDay(tell: (day: number, bits: number) => void): void {
    const keys = this.#keys.subarray(0, this.#count)
    keys.sort()
    for (let from = 0; from < keys.length;) {
      const day = Math.floor(keys[from]! / hoursOfDay)
      let bits = 0
      for (; from < keys.length && keys[from]! < (day + 1) * hoursOfDay; from++)
        bits |= hourBit(keys[from]! % hoursOfDay)
      tell(day, bits)
    }
  }

  clear(): void {
    if (this.#count * muchRoom < this.#keys.length) this.#keys = new Float64Array(initialRoom)
    this.#count = 0
  }
}
