/** How fast the clock goes after the system's, a part of the time that passes. */
const slew = 0.001

/**
 * The log's clock: milliseconds since 1970, going on from a given time at least, never back, and never in jumps: links are
 * held by it. Where the system's clock is set or drifts, it goes after it by a thousandth of the time that passes.
 */
export class LogClock {
  #at: number
  #seen: number
  readonly #system: () => number
  readonly #steady: () => number

  /** `system` may be set by anybody, `steady` by nobody; both in milliseconds. */
  constructor(
    lastMs: number,
    system: () => number = Date.now,
    steady: () => number = () => performance.now(),
  ) {
    this.#system = system
    this.#steady = steady
    this.#at = Math.max(lastMs, system())
    this.#seen = steady()
  }

  now(): number {
    const seen = this.#steady()
    const passed = seen - this.#seen
    this.#seen = seen
    this.#at += passed
    const most = passed * slew
    this.#at += Math.min(most, Math.max(-most, this.#system() - this.#at))
    return this.#at
  }
}
