import type { IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'

/**
 * Tells the address of who sent a request, for what is answered past Fastify: as `request.ip` of the routes does. That is
 * the connection's, or where that is one of `trustProxy` (addresses, ranges, `loopback`, …) the last one in
 * `X-Forwarded-For` that is not. Undefined where the connection is gone.
 *
 * @throws TypeError where an address or range is none
 */
export function createClientAddress(
  trustProxy: readonly string[],
): (request: IncomingMessage) => string | undefined {
  if (trustProxy.length === 0) return ({ socket }) => socket.remoteAddress
  const trusts = proxyAddr.compile([...trustProxy])
  return request => (request.socket.remoteAddress === undefined ? undefined : proxyAddr(request, trusts))
}
