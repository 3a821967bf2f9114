import { type LinkEntry, modes } from '../entry.ts'
import type { Span } from './writer.ts'

/** Entries in the order of the log that wait for their time: what was undone meanwhile does not come out. */
export class HeldEntries {
  /** Those before `#from` are out. */
  #entries: LinkEntry[] = []
  #from = 0
  readonly #delayUs: number

  constructor(delayUs: number) {
    this.#delayUs = delayUs
  }

  get count(): number {
    return this.#entries.length - this.#from
  }

  /** From when on the next one may come out. */
  get nextUs(): number | undefined {
    const next = this.#entries[this.#from]
    return next && next.timeUs + this.#delayUs + 1
  }

  push(entries: readonly LinkEntry[]): void {
    for (const entry of entries) this.#entries.push(entry)
  }

  /** Takes a span out that is held. */
  undo({ firstUs, lastUs }: Span): void {
    for (
      let i = this.#firstAt(firstUs);
      i < this.#entries.length && this.#entries[i]!.timeUs <= lastUs;
      i++
    ) {
      this.#entries[i]!.delayed = modes.none
    }
  }

  /** Takes out up to `limit` entries that were held for the delay by `nowUs`: no version from then on can undo them. */
  release(nowUs: number, limit: number): LinkEntry[] {
    const from = this.#from
    const entries = this.#entries
    while (
      this.#from < entries.length &&
      this.#from - from < limit &&
      entries[this.#from]!.timeUs + this.#delayUs < nowUs
    ) {
      this.#from++
    }
    const released = entries.slice(from, this.#from)
    if (this.#from > entries.length / 2) {
      this.#entries = entries.slice(this.#from)
      this.#from = 0
    }
    return released
  }

  #firstAt(timeUs: number): number {
    let low = this.#from
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.timeUs < timeUs) low = middle + 1
      else high = middle
    }
    return low
  }
}
