const hourMs = 3_600_000

/** The wall clock of this process, which a test may set. Real again when disposed. */
export interface Clock extends Disposable {
  /** As if nobody had set it, milliseconds since 1970. */
  readonly real: () => number
  /** Sets it to shortly before the end of its hour. */
  toEndOfHour(beforeMs: number): void
  setBack(ms: number): void
}

/** Takes over the wall clock of this process, from now on. Whoever is to follow it has to be started after that. */
export function takeClock(): Clock {
  const real = Date.now
  let aheadMs = 0
  Date.now = () => real() + aheadMs
  return {
    real,
    toEndOfHour(beforeMs) {
      aheadMs += hourMs - beforeMs - (Date.now() % hourMs)
    },
    setBack(ms) {
      aheadMs -= ms
    },
    [Symbol.dispose]() {
      Date.now = real
    },
  }
}
