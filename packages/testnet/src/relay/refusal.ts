import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** How a relay turns a client away before the WebSocket begins. */
export interface Refusal {
  /** An HTTP status, or `silence`: accept the TCP connection and never answer the request. */
  readonly status: number | 'silence'
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number
  /** More headers, `location` for one. */
  readonly headers?: Readonly<Record<string, string>>
  /** For this many attempts; default: until `accept()`. */
  readonly times?: number
}

/** Answers a WebSocket request with an HTTP response, and ends the connection. */
export function refuseUpgrade(socket: Duplex, { status, retryAfterSeconds, headers }: Refusal): void {
  // A client that gives up first resets the connection.
  socket.on('error', () => {})
  if (status === 'silence') return

  const phrase = STATUS_CODES[status] ?? ''
  const body = errorBody(phrase.replaceAll(' ', ''), 'scripted refusal')
  const fields = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    ...headers,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n${body}`)
}

/** The JSON that XRPC answers errors with. */
export function errorBody(error: string, message: string): string {
  return JSON.stringify({ error, message })
}
