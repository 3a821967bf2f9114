import { type HttpServer, pageHeaders } from '@orrery/server'
import { homePage, readHome } from '../pages/home.ts'
import type { Query } from '../params/query.ts'
import { endpoints } from './all.ts'
import type { EndpointContext } from './endpoint.ts'
import { addOpenApi } from './openapi.ts'

export interface RoutesOptions {
  context: EndpointContext
  /** Shown on the page. */
  version: string
}

/** How long an answer may be kept, seconds: counts change by the second, and nobody minds a few. */
const cacheControl = 'public, max-age=5'

/** Adds everything that the service answers over HTTP. To be called before the server listens. */
export function addRoutes(app: HttpServer, { context, version }: RoutesOptions): void {
  addRequestIds(app)
  for (const { path, run } of endpoints) {
    app.get(path, async (request, reply) => {
      const { json, headers = {} } = await run(request.query as Query, context)
      return reply
        .header('cache-control', cacheControl)
        .header('content-type', 'application/json')
        .headers(headers)
        .send(json)
    })
  }
  app.get('/', async (_request, reply) =>
    reply
      .headers(pageHeaders)
      .header('cache-control', cacheControl)
      .send(homePage(await readHome(context), version)),
  )
  addOpenApi(app, version)
}

/** Errors say which request they are about, in the body too, as the first server has it. */
function addRequestIds(app: HttpServer): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const isError = reply.statusCode >= 400 && typeof payload === 'string' && payload.startsWith('{"error"')
    done(null, isError ? `${payload.slice(0, -1)},"request_id":${JSON.stringify(request.id)}}` : payload)
  })
}
