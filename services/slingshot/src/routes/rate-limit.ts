import type { IncomingMessage } from 'node:http'
import { createRateLimiter, HttpError, type HttpRequest, type HttpServer } from '@orrery/server'

export interface RateLimitOptions {
  /** Requests a second on average; 0 means no limit. */
  perSecond: number
  /** Requests at once. */
  burst: number
  onRefused: () => void
  /** Who sent a request that comes past the routes. */
  addressOf: (request: IncomingMessage) => string | undefined
}

/** What counts requests. */
export interface RateLimit {
  /** Counts more than one request for a client. @throws HttpError 429 */
  readonly charge: (request: HttpRequest, amount: number) => void
  /**
   * Counts one that comes past the routes. Answers how many seconds its client has to wait, 0 for go on; undefined where
   * only the routes can tell who it is.
   */
  take(request: IncomingMessage): number | undefined
  /** Undoes that for one that takes the way through the routes after all. */
  giveBack(request: IncomingMessage): void
}

export const limitError = 'RateLimitExceeded'

export function limitMessage(seconds: number): string {
  return `Too many requests; come back in ${seconds} s`
}

/** Routes that must answer whoever asks. */
const exempt = new Set(['/_health', '/xrpc/_health'])

/**
 * Limits the requests of each client, by its address: whoever is over gets a 429 that says when to come back, and is
 * charged nothing for it.
 */
export function addRateLimit(
  app: HttpServer,
  { perSecond, burst, onRefused, addressOf }: RateLimitOptions,
): RateLimit {
  const limiter = createRateLimiter(perSecond, burst)
  /** Seconds to wait; 0 for go on. */
  function take(ip: string, amount: number): number {
    const waitMs = limiter.take(ip, amount)
    if (waitMs === 0) return 0
    limiter.take(ip, -amount)
    onRefused()
    return Math.max(1, Math.ceil(waitMs / 1_000))
  }
  function charge({ ip }: HttpRequest, amount: number): void {
    const seconds = take(ip, amount)
    if (seconds === 0) return
    throw new HttpError(429, limitError, limitMessage(seconds), {
      headers: { 'retry-after': String(seconds) },
    })
  }
  if (perSecond > 0) {
    app.addHook('onRequest', (request, _reply, done) => {
      try {
        if (request.method !== 'OPTIONS' && !exempt.has(request.routeOptions.url ?? '')) charge(request, 1)
        done()
      } catch (error) {
        done(error as Error)
      }
    })
  }
  return {
    charge,
    take(request) {
      if (perSecond === 0) return 0
      const address = addressOf(request)
      return address === undefined ? undefined : take(address, 1)
    },
    giveBack(request) {
      limiter.take(addressOf(request) ?? '', -1)
    },
  }
}
