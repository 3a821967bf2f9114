import { createHttp, createLogger, createMetrics } from '../src/index.ts'
import type { HealthCheck, HttpOptions, HttpServer, Metrics } from '../src/index.ts'

/** A server as a service has one, and what it logged. */
export type ProbeServer = {
  app: HttpServer
  metrics: Metrics
  lines: Record<string, unknown>[]
} & AsyncDisposable

const health: HealthCheck = () => ({ status: 'ok', lagMs: 12, cursor: 34 })

/** Makes the server under test; `routes` adds to it. */
export async function probeServer(
  routes: (app: HttpServer) => void = () => {},
  { level = 'debug', ...options }: Partial<HttpOptions> & { level?: 'debug' | 'info' } = {},
): Promise<ProbeServer> {
  const lines: Record<string, unknown>[] = []
  const metrics = createMetrics({ process: false })
  const stream = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) }
  const app = await createHttp({
    logger: createLogger({ name: 'probe', level, stream }),
    metrics,
    version: '1.2.3',
    health,
    ...options,
  })
  routes(app)
  await app.ready()
  return { app, metrics, lines, [Symbol.asyncDispose]: () => app.close() }
}
