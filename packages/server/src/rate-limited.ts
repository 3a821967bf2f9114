import type { Logger } from 'pino'

/** Warns about what a hostile or broken upstream can make happen any number of times. */
export type RateLimitedWarn = (key: string, fields: Record<string, unknown>, message: string) => void

/** Limits of {@link rateLimited}. */
export type RateLimitOptions = {
  /** At most one line for each key in this time, in milliseconds. Default 60,000. */
  intervalMs?: number
  /** Keys remembered; beyond it the one that was quiet longest is forgotten. Default 1,000. */
  maxKeys?: number
  /** The clock, in milliseconds. */
  now?: () => number
}

/**
 * Makes a `warn` that writes the first line of a key at once, then at most one in each interval, which carries as `suppressed` how many
 * were left out since the one before. Counts belong in metrics; this is for the text. Choose keys from what is bounded (a reason, a host),
 * not from what upstream makes up.
 */
export function rateLimited(logger: Pick<Logger, 'warn'>, options: RateLimitOptions = {}): RateLimitedWarn {
  const { intervalMs = 60_000, maxKeys = 1_000, now = () => performance.now() } = options
  const seen = new Map<string, { at: number; suppressed: number }>()
  return (key, fields, message) => {
    const at = now()
    const before = seen.get(key)
    if (before && at - before.at < intervalMs) {
      before.suppressed++
      return
    }
    // Set anew, so that the map's order is that of the last line written.
    seen.delete(key)
    seen.set(key, { at, suppressed: 0 })
    if (seen.size > maxKeys) {
      const [quietest] = seen.keys()
      if (quietest !== undefined) seen.delete(quietest)
    }
    logger.warn(
      before && before.suppressed > 0 ? { ...fields, suppressed: before.suppressed } : fields,
      message,
    )
  }
}
