import type { IncomingMessage } from 'node:http'
import { createRateLimiter, HttpError, type HttpRequest, type HttpServer } from '@orrery/server'

export interface RateLimitOptions {
  /** Requests a second on average; 0 means no limit. */
  perSecond: number
  /** Requests at once. */
  burst: number
  onRefused: () => void
  /** Whether a client's address is told by a proxy, and not by its connection. */
  isBehindProxy: boolean
}

/** What counts requests. */
export interface RateLimit {
  /** Counts more than one request for a client. @throws HttpError 429 */
  readonly charge: (request: HttpRequest, amount: number) => void
  /** Counts one that comes past the routes; false where it has to take the way through them. */
  tryCharge(request: IncomingMessage): boolean
}

/** Routes that must answer whoever asks. */
const exempt = new Set(['/_health', '/xrpc/_health'])

/**
 * Limits the requests of each client, by its address: whoever is over gets a 429 that says when to come back, and is
 * charged nothing for it.
 */
export function addRateLimit(
  app: HttpServer,
  { perSecond, burst, onRefused, isBehindProxy }: RateLimitOptions,
): RateLimit {
  const limiter = createRateLimiter(perSecond, burst)
  function charge({ ip }: HttpRequest, amount: number): void {
    const waitMs = limiter.take(ip, amount)
    if (waitMs === 0) return
    limiter.take(ip, -amount)
    onRefused()
    const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
    throw new HttpError(429, 'RateLimitExceeded', `Too many requests; come back in ${seconds} s`, {
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
    tryCharge({ socket }) {
      if (perSecond === 0) return true
      const ip = socket.remoteAddress
      if (isBehindProxy || ip === undefined) return false
      if (limiter.take(ip, 1) === 0) return true
      limiter.take(ip, -1)
      return false
    },
  }
}
