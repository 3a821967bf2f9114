/** How long to wait between tries. */
export interface BackoffOptions {
  /** The first wait, milliseconds. Default 500. */
  firstMs?: number
  /** The longest wait, milliseconds. Default 60,000. */
  maxMs?: number
  /** In [0, 1). Default `Math.random`. */
  random?: () => number
}

/**
 * The wait before try `attempt` (1, 2, …): doubling from `firstMs` to `maxMs`, then between half of it and all of it at
 * random, so that the clients of a relay that restarts do not come back in step.
 */
export function backoffMs(attempt: number, options: BackoffOptions = {}): number {
  const { firstMs = 500, maxMs = 60_000, random = Math.random } = options
  // 2^30 is beyond any maximum; without the bound the power would overflow for an attempt in the thousands.
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return full / 2 + (random() * full) / 2
}

/** Waits, or returns at once when the signal aborts. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
