import { IdentityError } from '../errors.ts'

/** Codes of errors for which the server was not asked, or its answer not awaited. */
const unsent = new Set<string>(['aborted', 'overloaded', 'unavailable'])

/** Leaves a server alone that keeps failing. */
export type Breaker = {
  /**
   * Does the work, and learns from how it ends. A retryable error is the server's failure, every other one an answer;
   * `aborted`, `overloaded` and `unavailable` are neither.
   *
   * @throws {IdentityError} `unavailable`, without doing the work, while the server is left alone; else what the work throws
   */
  run<T>(work: () => Promise<T>): Promise<T>
  isOpen(): boolean
  /** How long the server is still left alone, milliseconds; 0 where it is not. */
  pausedMs(): number
}

/**
 * Makes a {@link Breaker}. After `threshold` failures in a row the server is left alone for `firstPauseMs`; then one request
 * a pause is let through, and each of these that fails doubles the pause, up to `maxPauseMs`. The first answer ends it.
 * A failure that says how long to wait (`retryAfterMs`) opens it at once, for at most `maxPauseMs`.
 */
export function createBreaker(options: {
  /** Begins the message of the error: "… keeps failing". */
  what: string
  threshold: number
  firstPauseMs: number
  maxPauseMs: number
  now: () => number
}): Breaker {
  const { what, threshold, firstPauseMs, maxPauseMs, now } = options
  let failuresInARow = 0
  /** 0 while all is well. */
  let pauseMs = 0
  let openUntil = 0

  const admit = (): { isProbe: boolean } => {
    const retryAfterMs = openUntil - now()
    if (retryAfterMs > 0) {
      throw new IdentityError('unavailable', `${what} keeps failing and is left alone`, { retryAfterMs })
    }
    const isProbe = pauseMs > 0
    // Whoever comes next meets a closed door until the probe has an answer, or a pause has passed without one.
    if (isProbe) openUntil = now() + pauseMs
    return { isProbe }
  }

  const answered = (): void => {
    failuresInARow = 0
    pauseMs = 0
    openUntil = 0
  }

  const failed = (isProbe: boolean, askedMs: number): void => {
    failuresInARow += 1
    const wasOpen = pauseMs > 0
    if (isProbe) pauseMs = Math.min(pauseMs * 2, maxPauseMs)
    else if (!wasOpen && (failuresInARow >= threshold || askedMs > 0)) pauseMs = firstPauseMs
    // Those that were under way when the door closed fail behind it; they change nothing.
    else return
    openUntil = now() + Math.min(Math.max(pauseMs, askedMs), maxPauseMs)
  }

  return {
    async run(work) {
      const { isProbe } = admit()
      try {
        const result = await work()
        answered()
        return result
      } catch (error) {
        if (error instanceof IdentityError && !unsent.has(error.code)) {
          if (error.retryable) failed(isProbe, error.retryAfterMs ?? 0)
          else answered()
        }
        throw error
      }
    },
    isOpen: () => openUntil > now(),
    pausedMs: () => Math.max(0, openUntil - now()),
  }
}
