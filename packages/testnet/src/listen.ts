import type { Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** Everything of the testnet listens here and nowhere else. */
export const LOOPBACK = '127.0.0.1'

/**
 * Listens on loopback and answers the port, which is a free one when `port` is 0.
 *
 * @throws the socket's error, `EADDRINUSE` for one.
 */
export function listenOnLoopback(server: Server, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, LOOPBACK, () => {
      server.off('error', reject)
      resolve(portOf(server))
    })
  })
}

/**
 * A port of loopback where nothing listens, for what is told its port and listens there later. It is below those that Linux
 * gives to connections and to who asks for any port, so that none of thousands takes it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer()
    const port = await listenOnLoopback(server, 12_000 + Math.floor(Math.random() * 20_000)).catch(
      () => undefined,
    )
    if (port === undefined) continue
    await new Promise(resolve => server.close(resolve))
    return port
  }
}

/** The port of a server that listens on TCP. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** Closes a server and every connection of it at once: tests have no use for a graceful drain. */
export function closeAbruptly(server: HttpServer): Promise<void> {
  return new Promise(resolve => {
    // The only error that `close` reports is that the server is not open, which is what we want.
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
