import type { IncomingMessage } from 'node:http'
import {
  ClientCounter,
  closeCodes,
  type Encoding,
  HttpError,
  type HttpRequest,
  type HttpServer,
  type Hub,
  type HubLog,
  invalidRequest,
  type Subscriber,
} from '@orrery/server'
import type { WebSocket } from 'ws'
import { EncodingError, type EncodingFor } from '../encoding.ts'
import type { Stream } from '../entry.ts'
import { createFilter, FilterError, type LinkFilter } from '../subscribe/filter.ts'
import type { Matcher } from '../subscribe/matcher.ts'
import { ClientMessageError, readClientMessage } from '../subscribe/message.ts'
import { QueryError, readSubscribeQuery, type SubscribeQuery } from '../subscribe/query.ts'

export interface SubscribeStats {
  /** Connections refused at the door, by reason. */
  refused: { bad_request: number; too_many: number; too_many_from_ip: number }
  optionsUpdates: number
  /** Connections closed for a message that could not be read or a filter that cannot be. */
  badMessages: number
}

/** A stream with all that serves it. */
export interface Served {
  hub: Hub
  log: HubLog
  matcher: Matcher
}

export interface SubscribeOptions {
  served: Readonly<Record<Stream, Served>>
  maxConnections: number
  maxConnectionsPerIp: number
  /** Milliseconds since 1970. */
  now: () => number
  encodingFor: EncodingFor
}

/** How much a client may send in a minute, bytes: six of the largest filters, and no way to keep the server parsing. */
const messageBytesPerMinute = 60_000_000

interface Wanted {
  query: SubscribeQuery
  filter: LinkFilter
  encoding: Encoding | undefined
  replayEncoding: Encoding | undefined
}

/** `GET /subscribe`. */
export function addSubscribe(app: HttpServer, options: SubscribeOptions): SubscribeStats {
  const { served, now } = options
  const stats: SubscribeStats = {
    refused: { bad_request: 0, too_many: 0, too_many_from_ip: 0 },
    optionsUpdates: 0,
    badMessages: 0,
  }
  const perClient = new ClientCounter(options.maxConnectionsPerIp)
  const wanted = new WeakMap<IncomingMessage, Wanted>()

  /** Before the upgrade, so that what is wrong is said in a status and a message. */
  async function admit(request: HttpRequest): Promise<void> {
    const { raw } = request
    try {
      wanted.set(raw, readWanted(raw, options.encodingFor))
      const missing = missingForUpgrade(raw)
      if (missing) throw invalidRequest(missing)
    } catch (error) {
      stats.refused.bad_request++
      throw error
    }
    if (options.maxConnections > 0 && app.websocketServer.clients.size >= options.maxConnections) {
      stats.refused.too_many++
      throw new HttpError(503, 'TooManySubscribers', 'too many subscribers', {
        headers: { 'retry-after': '30' },
      })
    }
    if (!perClient.tryAdd(request.ip)) {
      stats.refused.too_many_from_ip++
      const message = `too many connections from ${request.ip}: at most ${options.maxConnectionsPerIp}`
      throw new HttpError(429, 'TooManyConnections', message, { headers: { 'retry-after': '30' } })
    }
    raw.socket.once('close', () => perClient.remove(request.ip))
  }

  app.route({
    method: 'GET',
    url: '/subscribe',
    preHandler: admit,
    handler: () => {
      throw invalidRequest('expected connection upgrade')
    },
    wsHandler: (socket, request) => {
      const { query, filter, encoding, replayEncoding } = wanted.get(request.raw)!
      const stream = streamOf(query)
      const { hub, log, matcher } = served[stream]
      const subscriber = hub.add({
        socket,
        stream: request.raw.socket,
        client: request.ip,
        position: startAt(query.cursor, log, now()),
        filter: matcher.add(filter),
        encoding,
        replayEncoding,
        idle: query.requireHello,
        heartbeatMs: query.heartbeatMs,
      })
      socket.on('close', () => matcher.remove(subscriber.filter as LinkFilter))
      listen(socket, subscriber, query)
    },
  })

  /** Takes the messages of a client, which change what it wants. */
  function listen(socket: WebSocket, subscriber: Subscriber, query: SubscribeQuery): void {
    const stream = streamOf(query)
    const { hub, matcher } = served[stream]
    let budget = messageBytesPerMinute
    // The wall clock may be set.
    let budgetAt = performance.now()

    function update(text: string): void {
      const filter = createFilter(readClientMessage(text), stream)
      const before = subscriber.filter as LinkFilter
      hub.setFilter(subscriber, matcher.add(filter))
      matcher.remove(before)
      stats.optionsUpdates++
      // A hello lets links begin: from the cursor, or from this moment.
      hub.start(subscriber, query.cursor === undefined)
    }

    socket.on('message', (data: Buffer, isBinary) => {
      // What comes behind a message that the connection is closed for is not for us any more.
      if (isBinary || subscriber.state === 'closed') return
      const at = performance.now()
      budget = Math.min(messageBytesPerMinute, budget + ((at - budgetAt) / 60_000) * messageBytesPerMinute)
      budgetAt = at
      budget -= data.length
      try {
        if (budget < 0) throw new FilterError('too many messages')
        update(data.toString())
      } catch (error) {
        stats.badMessages++
        if (error instanceof ClientMessageError) hub.close(subscriber, error.closeCode, error.message)
        else if (error instanceof FilterError) hub.close(subscriber, closeCodes.policy, error.message)
        else throw error
      }
    })
  }

  return stats
}

function streamOf({ instant }: SubscribeQuery): Stream {
  return instant ? 'instant' : 'delayed'
}

function readWanted({ url = '' }: IncomingMessage, encodingFor: EncodingFor): Wanted {
  try {
    const query = readSubscribeQuery(url)
    const { fields, compress, cursor } = query
    return {
      query,
      filter: createFilter(query.filter, streamOf(query)),
      encoding: encodingFor('live', fields, compress),
      replayEncoding: cursor === undefined ? undefined : encodingFor('replay', fields, compress),
    }
  } catch (error) {
    if (error instanceof QueryError) throw invalidRequest(error.message)
    if (error instanceof FilterError || error instanceof EncodingError)
      throw invalidRequest(`unable to parse query string: ${error.message}`)
    throw error
  }
}

/** What is missing for a WebSocket, in the words of the reference server; undefined where nothing is. */
function missingForUpgrade({ headers }: IncomingMessage): string | undefined {
  if (!/\bupgrade\b/i.test(headers.connection ?? '')) return 'expected connection upgrade'
  if (!/^websocket$/i.test(headers.upgrade ?? '')) return 'unexpected protocol for upgrade'
  if (headers['sec-websocket-version'] !== '13') return 'missing or invalid websocket version'
  return headers['sec-websocket-key'] ? undefined : 'missing websocket key'
}

/**
 * Where a cursor begins, in the log's positions; undefined for what comes from now on. A cursor in the future is one of
 * another server or of a wrong clock: there is nothing to wait for.
 */
export function startAt(cursor: number | undefined, log: HubLog, nowMs: number): number | undefined {
  if (cursor === undefined) return undefined
  if (cursor > Math.max(nowMs * 1000, log.last)) return undefined
  return Math.max(cursor, log.oldest)
}
