import type { FastifyRequest } from 'fastify'

import { secondsBuckets } from '../metrics/metrics.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { HttpServer } from './create-http.ts'
import type { ObserveRequest } from './fast-lane.ts'

/** The methods that are served and counted by name. */
export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** What the route label says of requests that no route took. */
const UNMATCHED = 'unmatched'

/**
 * Counts and times requests by route template: a raw address in a label would let clients grow the registry. With `logs`,
 * each is a line at level debug too. Answers what counts the requests that Fastify does not see.
 */
export function observeRequests(app: HttpServer, metrics: Metrics, logs: boolean): ObserveRequest {
  const duration = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the end of its response, by route template; WebSocket sessions are not in it.',
    labels: { route: 200, method: methods, status: ['1xx', '2xx', '3xx', '4xx', '5xx'] },
    buckets: secondsBuckets,
  })
  /** By method, class of status and route; there are as many as the server has routes, and what Node takes for methods. */
  const series = new Map<string, { observe(value: number): void }>()
  const observe: ObserveRequest = (route, method, statusCode, ms) => {
    const status = `${Math.floor(statusCode / 100)}xx`
    const key = `${method} ${status} ${route}`
    let own = series.get(key)
    if (!own) series.set(key, (own = duration.with({ route, method, status })))
    own.observe(ms / 1_000)
  }
  app.addHook('onResponse', (request, reply, done) => {
    observe(request.routeOptions.url ?? UNMATCHED, request.method, reply.statusCode, reply.elapsedTime)
    if (logs) {
      const ms = Math.round(reply.elapsedTime)
      request.log.debug(
        { method: request.method, path: pathOf(request), status: reply.statusCode, ms },
        'request',
      )
    }
    done()
  })
  return observe
}

/** The path of a request without its query. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? ''
}
