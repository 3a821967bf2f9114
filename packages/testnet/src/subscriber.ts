import { WebSocket } from 'ws'
import { waitFor } from './wait.ts'

/** A plain subscriber of one of our services that keeps what comes; for tests, which end before that is much. */
export interface Subscriber<Event> extends Disposable {
  readonly socket: WebSocket
  readonly messages: { data: Buffer; isBinary: boolean }[]
  /** The messages as lines; binary ones as they are. */
  readonly lines: string[]
  /** The messages parsed. */
  readonly events: Event[]
  /** Resolves when this many messages have come. */
  count(messages: number, timeoutMs?: number): Promise<void>
  /** Resolves to the code and reason of the close. */
  readonly closed: Promise<{ code: number; reason: string }>
  send(value: unknown): void
}

/** Connects a subscriber; rejects where the upgrade is refused. */
export async function connectSubscriber<Event>(
  url: string,
  headers: Record<string, string> = {},
): Promise<Subscriber<Event>> {
  const socket = new WebSocket(url, { headers })
  const messages: Subscriber<Event>['messages'] = []
  socket.on('message', (data: Buffer, isBinary) => messages.push({ data, isBinary }))
  const closed = new Promise<{ code: number; reason: string }>(resolve => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  return {
    socket,
    messages,
    closed,
    get lines() {
      return messages.map(({ data }) => data.toString())
    },
    get events() {
      return messages.map(({ data }) => JSON.parse(data.toString()) as Event)
    },
    count: (wanted, timeoutMs = 10_000) =>
      waitFor(() => messages.length >= wanted, { timeoutMs }).then(
        () => undefined,
        () => {
          throw new Error(`expected ${wanted} messages, got ${messages.length}`)
        },
      ),
    send: value => socket.send(typeof value === 'string' ? value : JSON.stringify(value)),
    [Symbol.dispose]: () => socket.terminate(),
  }
}

/**
 * What the server answers to an upgrade that it refuses.
 *
 * @throws (rejects) Error when it does not
 */
export function refusedUpgrade(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(url, { headers })
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.terminate()
      reject(new Error('the upgrade was accepted'))
    })
    socket.on('error', () => {})
    socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
  })
}
