import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import type { WebSocketServer } from 'ws'

/** The close code for a server that goes away (RFC 6455, section 7.4.1). */
const GOING_AWAY = 1001
/** The close code for an error that is ours. */
const INTERNAL_ERROR = 1011

/**
 * Lets routes with `{ websocket: true }` take WebSockets. No message compression: fan-out compresses once for all, not once for each
 * connection. On close, clients are told to go away and have `closeGraceMs` to do it; a dead one does not hold up the stop.
 */
export async function registerWebSockets(
  app: FastifyInstance,
  { maxPayload, closeGraceMs }: { maxPayload: number; closeGraceMs: number },
): Promise<void> {
  await app.register(websocket, {
    options: { perMessageDeflate: false, maxPayload },
    errorHandler(error, socket, request) {
      // What ws itself reports (a reset, a message too large) is the client's doing, and ws closes the connection by itself.
      if (isFromConnection(error)) {
        request.log.debug({ err: error }, 'a WebSocket failed')
        return
      }
      request.log.error({ err: error }, 'a WebSocket route failed')
      socket.close(INTERNAL_ERROR, 'Internal Server Error')
    },
    preClose: () => closeAll(app.websocketServer, closeGraceMs),
  })
}

/** Errors of the socket or of the protocol have codes of the system or of ws; a route's own mistakes have neither. */
function isFromConnection(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : ''
  return (
    code.startsWith('WS_ERR_') ||
    ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'EHOSTUNREACH'].includes(code)
  )
}

async function closeAll(server: WebSocketServer, graceMs: number): Promise<void> {
  // Upgrades that are under way find the door shut; the clients there are stay until they are closed.
  server.close()
  const { clients } = server
  const closed = Array.from(clients, client => {
    const { promise, resolve } = Promise.withResolvers<void>()
    client.once('close', () => resolve())
    client.close(GOING_AWAY, 'The server is stopping')
    return promise
  })
  const timer = setTimeout(() => {
    for (const client of clients) client.terminate()
  }, graceMs)
  await Promise.all(closed)
  clearTimeout(timer)
}
