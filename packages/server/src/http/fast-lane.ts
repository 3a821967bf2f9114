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
 *
 * @param asked what its query asks for, which is shared by all who ask for the same, and not to be changed
 */
export type FastHandler<Asked = Query> = (
  request: IncomingMessage,
  asked: Asked,
) => FastAnswer | undefined | Promise<FastAnswer | undefined>

/** What a query asks for; undefined, or throwing, leaves it to the route. By nothing else: it is remembered. */
export type ReadQuery<Asked> = (query: Query) => Asked | undefined

/** Counts and times a request. */
export type ObserveRequest = (route: string, method: string, statusCode: number, ms: number) => void

interface Lane {
  handler: FastHandler<unknown>
  read: ReadQuery<unknown>
}

interface Question {
  path: string
  handler: FastHandler<unknown>
  asked: unknown
}

const lanes = new WeakMap<HttpServer, Map<string, Lane>>()

/**
 * Gives a path a way past Fastify, for answers of which there are thousands a second. Routes with their hooks take some 20
 * µs beside the 26 of a bare one, an answer here less than the bare one. The path must have a route too, without
 * parameters in it, which answers the same.
 *
 * @param read what of the query the handler is given; the whole of it by default
 */
export function addFast(app: HttpServer, path: string, handler: FastHandler): void
export function addFast<Asked>(
  app: HttpServer,
  path: string,
  handler: FastHandler<Asked>,
  read: ReadQuery<Asked>,
): void
export function addFast(
  app: HttpServer,
  path: string,
  handler: FastHandler<never>,
  read: ReadQuery<unknown> = query => query,
): void {
  lanes.get(app)!.set(path, { handler: handler as FastHandler<unknown>, read })
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
  const lane = new Map<string, Lane>()
  lanes.set(app, lane)
  if (!isOpen) return
  const questions = new Questions(lane)
  const [toFastify] = app.server.listeners('request') as [
    (request: IncomingMessage, response: ServerResponse) => void,
  ]
  app.server.removeListener('request', toFastify)
  app.server.on('request', (request, response) => {
    const startedAt = performance.now()
    const send = (question: Question, answer: FastAnswer | undefined): void => {
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
      if (statusCode < 400) questions.keep(request.url!, question)
      observe(question.path, 'GET', statusCode, performance.now() - startedAt)
    }
    try {
      const isFast = request.method === 'GET' && !state.stopping && !hasBody(request)
      const question = isFast ? questions.find(request.url!) : undefined
      if (!question) {
        toFastify(request, response)
        return
      }
      const answer = question.handler(request, question.asked)
      if (!(answer instanceof Promise)) send(question, answer)
      else
        answer.then(
          found => send(question, found),
          () => toFastify(request, response),
        )
    } catch {
      toFastify(request, response)
    }
  })
}

/** Addresses that are remembered with what they ask for: twice as many at the most, of so many characters. */
const remembered = 2_048
const maxRemembered = 512

/**
 * What addresses ask for. To take a query apart and check it takes longer than most answers, and what many ask for is asked
 * again and again.
 */
class Questions {
  readonly #lane: ReadonlyMap<string, Lane>
  #recent = new Map<string, Question>()
  #before = new Map<string, Question>()

  constructor(lane: ReadonlyMap<string, Lane>) {
    this.#lane = lane
  }

  /** Undefined for the route's. @throws what reading the query throws */
  find(url: string): Question | undefined {
    return this.#recent.get(url) ?? this.#before.get(url) ?? this.#read(url)
  }

  /** Keeps one that has an answer: of those that have none there may be any number, each asked once. */
  keep(url: string, question: Question): void {
    if (this.#recent.has(url) || url.length > maxRemembered) return
    if (this.#recent.size >= remembered) {
      this.#before = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(url, question)
  }

  #read(url: string): Question | undefined {
    const end = url.indexOf('?')
    const path = end === -1 ? url : url.slice(0, end)
    const way = this.#lane.get(path)
    const asked = way?.read(parseQuery(end === -1 ? '' : url.slice(end + 1)))
    return way && asked !== undefined ? { path, handler: way.handler, asked } : undefined
  }
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

/** By the headers as they came: to have them as an object costs more than to look through them. */
function hasBody({ rawHeaders }: IncomingMessage): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length !== 14 && name.length !== 17) continue
    if (/^(?:content-length|transfer-encoding)$/i.test(name)) return true
  }
  return false
}
