import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

import { createCertificate } from './certificate.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server on a free port of loopback. Dispose it, and its connections end with it. */
export type TestServer = AsyncDisposable & {
  port: number
  url: string
  /** Of every request, in order. */
  paths: string[]
}

export async function startServer(handler: Handler): Promise<TestServer> {
  return listen(createServer(), handler, 'http')
}

/** A server with a certificate for `names`, which the caller has to make trusted. */
export async function startSecureServer(
  names: readonly string[],
  handler: Handler,
): Promise<TestServer & { cert: string }> {
  const { key, cert } = createCertificate(names)
  return { ...(await listen(createSecureServer({ key, cert }), handler, 'https')), cert }
}

async function listen(
  server: ReturnType<typeof createServer>,
  handler: Handler,
  scheme: string,
): Promise<TestServer> {
  const paths: string[] = []
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    paths.push(request.url ?? '')
    response.on('error', () => {})
    handler(request, response)
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    paths,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => {
        server.close(resolve)
      })
    },
  }
}
