import type { HttpServer } from '@orrery/server'
import { type HomeNumbers, homePage, pageHeaders } from '../pages/home.ts'
import { endpoints } from './all.ts'
import type { RouteContext } from './context.ts'
import { addHits } from './hits.ts'
import { addOpenApi } from './openapi.ts'
import { addRateLimit, type RateLimitOptions } from './rate-limit.ts'
import { createTurnstile } from './turnstile.ts'
import { addWellKnown } from './well-known.ts'

/** A millisecond: records that are known are answered first. */
const refusalsPerTurn = 16

export interface RoutesOptions {
  context: Omit<RouteContext, 'charge' | 'turnstile'>
  rateLimit: RateLimitOptions
  /** Shown on the page. */
  version: string
  numbers: () => HomeNumbers
  /** Serves the document of `did:web:<domain>`. */
  didWebDomain?: string | undefined
}

/** Adds everything that the service answers over HTTP. To be called before the server listens. */
export function addRoutes(
  app: HttpServer,
  { context, rateLimit, version, numbers, didWebDomain }: RoutesOptions,
): void {
  const limit = addRateLimit(app, rateLimit)
  const turnstile = createTurnstile(refusalsPerTurn)
  const whole: RouteContext = { ...context, turnstile, charge: limit.charge }
  for (const { method, paths, run } of endpoints) {
    for (const url of paths) {
      app.route({ method, url, handler: (request, reply) => run(request, reply, whole) })
    }
  }
  addHits(app, context.cache, { limit, turnstile })
  app.get('/', (_request, reply) => reply.headers(pageHeaders).send(homePage(numbers(), version)))
  addOpenApi(app, version)
  addWellKnown(app, didWebDomain)
}
