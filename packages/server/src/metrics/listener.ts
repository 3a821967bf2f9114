import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Logger } from 'pino'

import { notFound, toHttpError } from '../http/errors.ts'
import { listen } from '../http/listen.ts'
import type { HostPort } from '../options/values.ts'
import type { Metrics } from './metrics.ts'

/** A listening server of metrics. Dispose it to stop. */
export type MetricsListener = AsyncDisposable & { readonly url: string }

/**
 * Serves `GET /metrics` on a port of its own, apart from what the public reaches.
 *
 * @throws (rejects) Node's error when it cannot listen, such as `EADDRINUSE`
 */
export async function listenMetrics(options: {
  metrics: Metrics
  listen: HostPort
  logger: Logger
}): Promise<MetricsListener> {
  const { registry } = options.metrics
  const app = fastify({
    loggerInstance: options.logger.child({ part: 'metrics' }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    requestTimeout: 10_000,
    bodyLimit: 1_024,
  }) as unknown as FastifyInstance
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(notFound('Metrics are at /metrics').body()),
  )
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ err: error }, 'metrics could not be collected')
    const { statusCode, ...shown } = toHttpError(error)
    return reply.code(statusCode).send({ error: shown.error, message: 'Metrics could not be collected' })
  })
  const { url } = await listen(app, options.listen)
  return { url, [Symbol.asyncDispose]: () => app.close() }
}
