import type { Gap } from '@orrery/firehose'
import {
  addFast,
  type FastAnswer,
  type FastHandler,
  HttpError,
  type HttpServer,
  QueryParams,
  serviceUnavailable,
  wantsHtml,
} from '@orrery/server'
import { endpointPage } from '../pages/endpoint-page.ts'
import { createFindTarget, type ResolveHandle } from '../params/subject.ts'
import { type LinkReader, TooBusyError } from '../store.ts'
import { endpoints } from './all.ts'
import { corsVary, fastAnswer, sendAnswer } from './answer.ts'
import { addBatch } from './batch.ts'
import type { Endpoint, EndpointContext } from './endpoint.ts'
import { addHome } from './home.ts'
import { addOpenApi } from './openapi.ts'
import { RecentAnswers } from './recent-answers.ts'
import { addWellKnown } from './well-known.ts'

export interface RoutesOptions {
  reader: LinkReader
  /** Shown on the pages. */
  version: string
  /** Serves the document of `did:web:<domain>`. */
  didWebDomain?: string | undefined
  /** Lets at-uris with a handle find what is linked under its DID. It must be quick, and bounded in what it asks for. */
  resolveHandle?: ResolveHandle | undefined
  /** Spans of time that no source could give, newest first. */
  gaps?: (() => readonly Gap[]) | undefined
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined
}

/** Adds everything that the service answers over HTTP. To be called before the server listens. */
export function addRoutes(app: HttpServer, options: RoutesOptions): void {
  const { reader, version, didWebDomain, resolveHandle, gaps = () => [], now = Date.now } = options
  const context: EndpointContext = {
    reader,
    resolveHandle,
    findTarget: createFindTarget(reader, resolveHandle),
    findOther: createFindTarget(reader),
  }
  addHeaders(app)
  addHome(app, { reader, version, gaps, now })
  const recent = new RecentAnswers(reader)
  for (const endpoint of endpoints) addEndpoint(app, endpoint, { context, recent, version })
  addBatch(app, context)
  addOpenApi(app, version)
  addWellKnown(app, didWebDomain)
}

function addEndpoint(
  app: HttpServer,
  endpoint: Endpoint,
  { context, recent, version }: { context: EndpointContext; recent: RecentAnswers; version: string },
): void {
  const isPlain = endpoint.errors === 'text'
  const runOrRefuse = withRefusal(endpoint.run)
  const run = isPlain ? withPlainErrors(runOrRefuse) : runOrRefuse
  app.get(endpoint.path, isPlain ? plainErrors : {}, async (request, reply) => {
    const isPage = wantsHtml(request.raw)
    const query = new QueryParams(request.query)
    const found = await run(query, context)
    const json = JSON.stringify(found.body)
    const text = isPage ? endpointPage(endpoint, query, found, json, version) : json
    return sendAnswer(request, reply, { text, isPage })
  })
  const answer = async (...[request, query]: Parameters<FastHandler>): Promise<FastAnswer> => {
    const { version: state } = context.reader
    const { body } = await runOrRefuse(new QueryParams(query), context)
    const text = JSON.stringify(body)
    recent.set(request.url!, text, state)
    return fastAnswer(request, text)
  }
  addFast(app, endpoint.path, (request, query) => {
    if (wantsHtml(request)) return undefined
    const known = recent.get(request.url!)
    return known === undefined ? answer(request, query) : fastAnswer(request, known)
  })
}

/** Answers what cannot be done for now with a 503, and when to ask again. */
function withRefusal(run: Endpoint['run']): Endpoint['run'] {
  return async (query, context) => {
    try {
      return await run(query, context)
    } catch (error) {
      throw error instanceof TooBusyError ? serviceUnavailable(error.message, 5) : error
    }
  }
}

/** What the older routes begin a 400 with, where the query is to blame. */
const badQuery = 'Failed to deserialize query string: '

function withPlainErrors(run: Endpoint['run']): Endpoint['run'] {
  return async (query, context) => {
    try {
      return await run(query, context)
    } catch (error) {
      if (!(error instanceof HttpError) || error.statusCode !== 400) throw error
      throw new HttpError(400, error.error, badQuery + error.message)
    }
  }
}

const plainErrors: Pick<Parameters<HttpServer['get']>[1], 'errorHandler'> = {
  errorHandler(error, _request, reply) {
    if (!(error instanceof HttpError) || error.statusCode !== 400) throw error
    void reply.code(400).type('text/plain; charset=utf-8').send(error.message)
  },
}

/**
 * The first server's headers, on top of those of every service: any OPTIONS request gets an empty 200 that allows
 * everything, every response tells by what it may vary, and JSON is without a charset.
 */
function addHeaders(app: HttpServer): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (!reply.hasHeader('vary')) reply.header('vary', corsVary)
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8') {
      reply.header('content-type', 'application/json')
    }
    if (request.method === 'OPTIONS' && reply.statusCode === 204) {
      reply.code(200).headers({ 'access-control-allow-methods': '*', 'access-control-allow-headers': '*' })
      reply.header('vary', corsVary).removeHeader('access-control-max-age')
    }
    done(null, payload)
  })
}
