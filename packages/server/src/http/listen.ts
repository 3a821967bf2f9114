import type { AddressInfo } from 'node:net'

import type { HostPort } from '../options/values.ts'

/** What can listen: the part of a Fastify server that is needed, whatever its type parameters. */
type Listening = {
  listen(options: { host: string; port: number }): Promise<string>
  readonly server: { address(): AddressInfo | string | null }
}

/**
 * Starts to listen, and answers where: with port 0, the system chose one. The address is one to connect to, so for a server on every
 * interface it is loopback's.
 *
 * @throws (rejects) Node's error, such as `EADDRINUSE`
 */
export async function listen(
  app: Listening,
  { host, port }: HostPort,
): Promise<{ host: string; port: number; url: string }> {
  await app.listen({ host, port })
  const address = app.server.address() as AddressInfo
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[address.address]
  const literal = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { host: address.address, port: address.port, url: `http://${reachable ?? literal}:${address.port}` }
}
