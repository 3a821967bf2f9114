import type { IncomingMessage } from 'node:http'
import {
  ClientCounter,
  closeCodes,
  type Filter,
  type HttpServer,
  type Hub,
  type HubLog,
  type Logger,
  type Subscriber,
} from '@orrery/server'
import type { WebSocket } from 'ws'
import { createFilter, FilterError } from '../subscribe/filter.ts'
import { ClientMessageError, readClientMessage } from '../subscribe/message.ts'
import { QueryError, readSubscribeQuery, type SubscribeQuery } from '../subscribe/query.ts'
import type { Compressor } from '../zstd/compressor.ts'

export interface SubscribeStats {
  /** Connections refused at the door, by reason. */
  refused: { bad_request: number; too_many: number; too_many_from_ip: number }
  optionsUpdates: number
  /** Connections closed for a message that could not be read or a filter that cannot be. */
  badMessages: number
}

export interface SubscribeOptions {
  hub: Hub
  log: HubLog
  compressor: Compressor
  maxConnections: number
  maxConnectionsPerIp: number
  logger: Logger
  now: () => number
}

/** How much a client may send in a minute, bytes: six of the largest filters, and no way to keep the server parsing. */
const messageBytesPerMinute = 60_000_000

interface Wanted {
  query: SubscribeQuery
  filter: Filter
}

/** `GET /subscribe`, the v1 wire. */
export function addSubscribe(app: HttpServer, options: SubscribeOptions): SubscribeStats {
  const { hub, log, compressor, now } = options
  const stats: SubscribeStats = {
    refused: { bad_request: 0, too_many: 0, too_many_from_ip: 0 },
    optionsUpdates: 0,
    badMessages: 0,
  }
  const perClient = new ClientCounter(options.maxConnectionsPerIp)
  const wanted = new WeakMap<IncomingMessage, Wanted>()

  app.get(
    '/subscribe',
    {
      websocket: true,
      // Before the upgrade, so that what is wrong is said in a status and a line of text.
      preHandler: async (request, reply) => {
        const open = app.websocketServer.clients.size
        if (options.maxConnections > 0 && open >= options.maxConnections) {
          stats.refused.too_many++
          return reply.code(503).header('retry-after', '30').type('text/plain').send('too many subscribers')
        }
        try {
          const query = readSubscribeQuery(request.raw)
          wanted.set(request.raw, { query, filter: createFilter(query.filter) })
        } catch (error) {
          const message = refusal(error)
          stats.refused.bad_request++
          return reply.code(400).type('text/plain').send(message)
        }
        if (!perClient.tryAdd(request.ip)) {
          stats.refused.too_many_from_ip++
          return reply
            .code(429)
            .header('retry-after', '30')
            .type('text/plain')
            .send(`too many connections from ${request.ip}: at most ${options.maxConnectionsPerIp}`)
        }
        request.raw.socket.once('close', () => perClient.remove(request.ip))
        return undefined
      },
    },
    (socket, request) => {
      const { query, filter } = wanted.get(request.raw)!
      const subscriber = hub.add({
        socket,
        stream: request.raw.socket,
        client: request.ip,
        position: startAt(query.cursor, log, now()),
        filter,
        encoding: query.compress ? compressor.encoding : undefined,
        idle: query.requireHello,
        heartbeatMs: query.heartbeatMs,
      })
      listen(socket, subscriber, query)
    },
  )

  /** Takes the messages of a client, which change what it wants. */
  function listen(socket: WebSocket, subscriber: Subscriber, query: SubscribeQuery): void {
    let budget = messageBytesPerMinute
    // The wall clock may be set.
    let budgetAt = performance.now()
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return
      const at = performance.now()
      budget = Math.min(messageBytesPerMinute, budget + ((at - budgetAt) / 60_000) * messageBytesPerMinute)
      budgetAt = at
      budget -= data.length
      if (budget < 0) {
        stats.badMessages++
        hub.close(subscriber, closeCodes.policy, 'too many messages')
        return
      }
      try {
        const params = readClientMessage(data.toString())
        if (!params) return
        hub.setFilter(subscriber, createFilter(params))
        stats.optionsUpdates++
        // A hello lets events begin: from the cursor, or from this moment.
        hub.start(subscriber, query.cursor === undefined)
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

/**
 * Where a cursor begins, in the log's positions; undefined for what comes from now on. A cursor in the future is one of
 * another server or of a wrong clock: there is nothing to wait for.
 */
export function startAt(cursor: number | undefined, log: HubLog, nowMs: number): number | undefined {
  if (cursor === undefined) return undefined
  if (cursor > Math.max(nowMs * 1000, log.last)) return undefined
  return Math.max(cursor, log.oldest)
}

/** What to say of a query that cannot be, in the words of the first server. */
function refusal(error: unknown): string {
  if (error instanceof QueryError) return error.message
  if (error instanceof FilterError) return `invalid subscriber options: ${error.message}`
  throw error
}
