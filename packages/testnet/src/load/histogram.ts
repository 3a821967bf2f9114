/** What a histogram tells, in the unit of what was put in. */
export interface Distribution {
  count: number
  p50: number
  p90: number
  p99: number
  max: number
}

const buckets = 100_000

/** Counts values in steps of 0.1 up to 10,000; what is larger counts as that. */
export class Histogram {
  readonly #counts = new Uint32Array(buckets + 1)
  #count = 0
  #max = 0

  add(value: number): void {
    this.#counts[Math.min(buckets, Math.max(0, Math.floor(value * 10)))]!++
    this.#count++
    if (value > this.#max) this.#max = value
  }

  reset(): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#max = 0
  }

  read(): Distribution {
    const at = (share: number): number => {
      let left = Math.ceil(this.#count * share)
      for (let i = 0; i <= buckets; i++) {
        left -= this.#counts[i]!
        if (left <= 0) return i / 10
      }
      return buckets / 10
    }
    return { count: this.#count, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: this.#max }
  }
}
