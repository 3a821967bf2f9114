import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpServer } from './create-http.ts'
import type { ServerState } from './guards.ts'
import { type Query, parseQuery } from './query-string.ts'

/** An answer that is ready to go. */
export interface FastAnswer {
  statusCode: number
  /** Names and values in turn, besides those that every response has; without the length. */
  headers: readonly string[]
  body: string | Uint8Array
}

/**
 * Answers a GET of its path. Undefined, or throwing (rejecting), leaves the request to the route of the same path: what is
 * refused, negotiated or rare is told there, once.
 */
export type FastHandler = (
  request: IncomingMessage,
  query: Query,
) => FastAnswer | undefined | Promise<FastAnswer | undefined>

/** Counts and times a request. */
export type ObserveRequest = (route: string, method: string, statusCode: number, ms: number) => void

const lanes = new WeakMap<HttpServer, Map<string, FastHandler>>()

/**
 * Gives a path a way past Fastify, for answers of which there are thousands a second. Routes with their hooks take some 20
 * µs beside the 26 of a bare one, an answer here less than the bare one. The path must have a route too, without
 * parameters in it, which answers the same.
 */
export function addFast(app: HttpServer, path: string, handler: FastHandler): void {
  lanes.get(app)!.set(path, handler)
}

/** Opens the lane of a server, before its routes. `isOpen: false` sends everybody to Fastify, which logs each request. */
export function openFastLane(
  app: HttpServer,
  options: {
    state: ServerState
    requestId: (request: IncomingMessage) => string
    observe: ObserveRequest
    isOpen: boolean
  },
): void {
  const { state, requestId, observe, isOpen } = options
  const lane = new Map<string, FastHandler>()
  lanes.set(app, lane)
  if (!isOpen) return
  const [toFastify] = app.server.listeners('request') as [
    (request: IncomingMessage, response: ServerResponse) => void,
  ]
  app.server.removeListener('request', toFastify)
  app.server.on('request', (request, response) => {
    const url = request.url!
    const end = url.indexOf('?')
    const path = end === -1 ? url : url.slice(0, end)
    const handler = lane.get(path)
    if (!handler || request.method !== 'GET' || state.stopping || hasBody(request)) {
      toFastify(request, response)
      return
    }
    const startedAt = performance.now()
    const send = (answer: FastAnswer | undefined): void => {
      if (!answer) {
        toFastify(request, response)
        return
      }
      const { statusCode, headers, body } = answer
      const all = ['x-request-id', requestId(request), ...commonHeaders, ...headers]
      // 304 has no body, and says nothing of its length.
      if (statusCode !== 304) all.push('content-length', String(Buffer.byteLength(body)))
      if (state.stopping) all.push('connection', 'close')
      response.writeHead(statusCode, all)
      response.end(statusCode === 304 ? undefined : body)
      observe(path, 'GET', statusCode, performance.now() - startedAt)
    }
    const refuse = (): void => toFastify(request, response)
    try {
      const answer = handler(request, parseQuery(end === -1 ? '' : url.slice(end + 1)))
      if (answer instanceof Promise) answer.then(send, refuse)
      else send(answer)
    } catch {
      refuse()
    }
  })
}

/** Those of every response, but for its id. */
const commonHeaders = [
  'x-content-type-options',
  'nosniff',
  'access-control-allow-origin',
  '*',
  'access-control-expose-headers',
  '*',
] as const

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
