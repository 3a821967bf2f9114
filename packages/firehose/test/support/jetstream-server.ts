import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitFor } from '@orrery/testnet'
import { type WebSocket, WebSocketServer } from 'ws'

export interface JetstreamServer extends AsyncDisposable {
  /** `ws://127.0.0.1:port/subscribe`. */
  readonly url: string
  /** The cursor of each connection so far. */
  readonly cursors: readonly (number | undefined)[]
  /** Adds lines to what can be replayed, and sends them. */
  push(...lines: readonly string[]): void
  /** Sends to the open connections only. */
  send(data: string | Uint8Array): void
  /** Drops what is older than this time. */
  forgetBefore(timeUs: number): void
  cut(): void
  /** Refuses connections with 503, or no longer. */
  refuse(refused: boolean): void
  nextConnection(): Promise<number | undefined>
}

/**
 * A Jetstream that knows a list of lines: from a cursor on, inclusive, in the order of the list, then what is pushed. It
 * filters and compresses nothing.
 */
export async function startJetstreamServer({ port = 0 } = {}): Promise<JetstreamServer> {
  let lines: string[] = []
  const cursors: (number | undefined)[] = []
  let seen = 0
  let isRefusing = false
  const sockets = new Set<WebSocket>()
  const http = createServer()
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  http.on('upgrade', (request, socket, head) => {
    if (isRefusing) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')
      return
    }
    server.handleUpgrade(request, socket, head, ws => {
      const text = new URL(request.url!, 'http://x').searchParams.get('cursor')
      const cursor = text === null ? undefined : Number(text)
      sockets.add(ws)
      ws.on('close', () => sockets.delete(ws))
      ws.on('error', () => {})
      cursors.push(cursor)
      if (cursor !== undefined) for (const line of lines) if (timeOf(line) >= cursor) ws.send(line)
    })
  })
  await new Promise<void>(resolve => http.listen(port, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/subscribe`,
    cursors,
    push(...added) {
      lines.push(...added)
      for (const line of added) for (const ws of sockets) ws.send(line)
    },
    send(data) {
      for (const ws of sockets) ws.send(data)
    },
    forgetBefore(timeUs) {
      lines = lines.filter(line => timeOf(line) >= timeUs)
    },
    cut() {
      for (const ws of sockets) ws.terminate()
    },
    refuse(refused) {
      isRefusing = refused
    },
    async nextConnection() {
      await waitFor(() => cursors.length > seen, { what: 'a connection to the Jetstream' })
      return cursors[seen++]
    },
    async [Symbol.asyncDispose]() {
      for (const ws of sockets) ws.terminate()
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
    },
  }
}

function timeOf(line: string): number {
  return (JSON.parse(line) as { time_us: number }).time_us
}
