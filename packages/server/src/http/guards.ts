import type { FastifyReply, FastifyRequest } from 'fastify'

import type { HttpServer } from './create-http.ts'
import { HttpError, invalidRequest, notFound, serviceUnavailable, toHttpError } from './errors.ts'
import { pathOf } from './observe.ts'
import type { RouteTable } from './routes.ts'

/** Whether the server is on its way down. */
export type ServerState = { readonly stopping: boolean }

/** Headers on every response, and a note of every route. Comes before the plugins, which answer some requests by themselves. */
export function addCommon(app: HttpServer, table: RouteTable, requestGraceMs: number): ServerState {
  const state = { stopping: false }
  // Set before WebSocket clients are waited for, which takes its time.
  app.addHook('preClose', done => {
    state.stopping = true
    // One slow download must not hold up the stop.
    const timer = setTimeout(() => app.server.closeAllConnections(), requestGraceMs).unref()
    app.server.once('close', () => clearTimeout(timer))
    done()
  })
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply)
    done()
  })
  app.addHook('onRoute', route => {
    const socket = route.wsHandler ? 'both' : route.websocket ? 'only' : 'none'
    table.add(route.url, [route.method].flat(), socket)
  })
  return state
}

/** What is refused before a route is asked. Comes after the plugin for WebSockets, which closes refused upgrades. */
export function addGuards(app: HttpServer, table: RouteTable, state: ServerState): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { stopping } = state
    if (stopping || request.ws) reply.header('connection', 'close')
    const { url } = request.routeOptions
    const socket = table.socketsOf(url)
    if (stopping) {
      done(serviceUnavailable('The server is stopping', 1))
    } else if (request.ws && url !== undefined && socket === 'none') {
      done(notFound(`There is no WebSocket at ${pathOf(request)}`))
    } else if (!request.ws && socket === 'only') {
      const headers = { upgrade: 'websocket' }
      done(new HttpError(426, 'UpgradeRequired', 'This path is for WebSocket connections', { headers }))
    } else {
      done()
    }
  })
}

/** What is said of a request that no route took: wrong method, unknown NSID, or nothing there. */
export function missed(table: RouteTable, request: FastifyRequest): HttpError {
  const path = pathOf(request)
  // The route that answers preflights matches every path.
  const allowed = table.methodsOf(path).filter(method => method !== 'OPTIONS')
  if (allowed.length > 0 && !allowed.includes(request.method)) {
    const message = `${request.method} is not allowed here; use ${allowed.join(' or ')}`
    return new HttpError(405, 'MethodNotAllowed', message, {
      headers: { allow: [...allowed, 'OPTIONS'].join(', ') },
    })
  }
  if (path.startsWith('/xrpc/'))
    return new HttpError(501, 'MethodNotImplemented', `${path.slice(6)} is not implemented here`)
  return notFound(`There is nothing at ${path}`)
}

/** Sends whatever was thrown in the one shape of all errors, and logs what the client must not see. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // Who leaves in the middle of a request did that to nobody else, and is no news.
  const left = request.raw.destroyed && !request.raw.complete
  const error = left ? invalidRequest('The request ended early') : toHttpError(thrown)
  if (error.statusCode >= 500 && error.cause !== undefined) {
    request.log.error({ err: error.cause, method: request.method, path: pathOf(request) }, 'a request failed')
  }
  return reply
    .code(error.statusCode)
    .headers(error.headers)
    .type('application/json; charset=utf-8')
    .send(error.body())
}

/** Headers on every response, errors and preflights among them. */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  reply.header('x-content-type-options', 'nosniff')
  // Here and not by @fastify/cors alone, whose hook does not run for every error.
  reply.header('access-control-allow-origin', '*')
}
