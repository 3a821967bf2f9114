import cors from '@fastify/cors'
import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Logger } from 'pino'

import { healthAnswer } from '../health.ts'
import type { HealthCheck } from '../health.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { answerClientError } from './client-error.ts'
import { openFastLane } from './fast-lane.ts'
import { addCommon, addGuards, missed, sendError, setCommonHeaders } from './guards.ts'
import { methods, observeRequests } from './observe.ts'
import { parseQuery } from './query-string.ts'
import { requestIds } from './request-id.ts'
import { lazyRequestLogs } from './request-log.ts'
import { createRouteTable } from './routes.ts'
import { serializerCompiler, validatorCompiler } from './validation.ts'
import type { ZodTypeProvider } from './validation.ts'
import { registerWebSockets } from './websocket.ts'

/** A Fastify server whose route schemas are of zod. `await using` closes it. */
export type HttpServer = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What a server needs and where its limits are. */
export type HttpOptions = {
  logger: Logger
  metrics: Metrics
  /** Shown in `/_health`. */
  version: string
  health: HealthCheck
  /** Proxies whose `X-Forwarded-…` and `X-Request-Id` are believed: addresses, ranges, `loopback`. Default none. */
  trustProxy?: readonly string[]
  /** Largest request body, in bytes. Default 1 MiB. */
  bodyLimit?: number
  /** Largest address line and headers together, in bytes. Default 64 KiB: long lists of DIDs stand in query strings. */
  maxHeaderBytes?: number
  /** How long headers may take to arrive, in milliseconds. Default 10,000. */
  headersTimeoutMs?: number
  /** How long a whole request may take to arrive, in milliseconds. Default 30,000. */
  requestTimeoutMs?: number
  /** Largest message that a WebSocket client may send, in bytes. Default 64 KiB. */
  maxPayload?: number
  /** When the server stops: how long WebSocket clients have to answer the close, in milliseconds. Default 1,000. */
  closeGraceMs?: number
  /** When the server stops: how long requests in flight may take to finish before they are cut off, in milliseconds. Default 5,000. */
  requestGraceMs?: number
}

/**
 * Makes the server of a service, ready for its routes: uniform errors, CORS `*` on everything, health, request ids, request metrics, limits, WebSockets.
 * Does not listen yet; see `listen`.
 */
export async function createHttp(options: HttpOptions): Promise<HttpServer> {
  const { trustProxy = [], requestTimeoutMs = 30_000, headersTimeoutMs = 10_000 } = options
  const table = createRouteTable()
  const requestId = requestIds(trustProxy.length > 0)
  const logsRequests = options.logger.isLevelEnabled('debug')
  const app: HttpServer = fastify({
    loggerInstance: lazyRequestLogs(options.logger),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    trustProxy: trustProxy.length > 0 ? [...trustProxy] : false,
    bodyLimit: options.bodyLimit ?? 1024 * 1024,
    requestTimeout: requestTimeoutMs,
    http: {
      maxHeaderSize: options.maxHeaderBytes ?? 64 * 1024,
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      connectionsCheckingInterval: Math.max(100, Math.min(headersTimeoutMs, requestTimeoutMs) / 4),
      // Without this, `Upgrade: h2c` (what curl --http2 sends) would be taken for a WebSocket and refused.
      shouldUpgradeCallback: request => request.headers.upgrade?.toLowerCase() === 'websocket',
    },
    routerOptions: { maxParamLength: 2_048, querystringParser: parseQuery },
    // The answer to requests during the stop is ours too, see below.
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    frameworkErrors(error, request, reply) {
      setCommonHeaders(request, reply)
      void sendError(error, request, reply)
    },
  }).withTypeProvider<ZodTypeProvider>()

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  const observe = observeRequests(app, options.metrics, logsRequests)
  const state = addCommon(app, table, options.requestGraceMs ?? 5_000)
  openFastLane(app, { state, requestId, observe, isOpen: !logsRequests })
  await app.register(cors, {
    origin: '*',
    methods,
    exposedHeaders: '*',
    maxAge: 86_400,
    // An OPTIONS request without the headers of a preflight gets the same answer, not an error in plain text.
    strictPreflight: false,
  })
  await registerWebSockets(app, {
    maxPayload: options.maxPayload ?? 64 * 1024,
    closeGraceMs: options.closeGraceMs ?? 1_000,
  })
  addGuards(app, table, state)
  app.setErrorHandler(sendError)
  app.setNotFoundHandler((request, reply) => sendError(missed(table, request), request, reply))
  addHealth(app, options)
  return app
}

function addHealth(app: HttpServer, { version, health, logger }: HttpOptions): void {
  for (const path of ['/_health', '/xrpc/_health']) {
    app.get(path, (_request, reply) => {
      const { statusCode, body } = healthAnswer(version, health, error => {
        logger.error({ err: error }, 'the health check failed')
      })
      return reply.code(statusCode).header('cache-control', 'no-store').send(body)
    })
  }
}
