import type { IncomingHttpHeaders } from 'node:http'
import type { WebSocket } from 'ws'
import type { History } from './history.ts'

/** One subscriber of a fake relay, as a test sees it. */
export interface RelayConnection {
  /** Counts from 1, in the order of connecting. */
  readonly id: number
  /** The cursor that it asked for; `undefined` when it gave none. */
  readonly cursor: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly open: boolean
  /** How many frames were handed to its socket, `#info` and error frames included. */
  readonly framesSent: number
  /** Resolves when it is over, with the close code that this side saw: 1005 for none, 1006 for a cut. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  /** Closes it properly. */
  close(code?: number, reason?: string): void
  /** Ends the TCP connection without a word. */
  cut(): void
}

/** One subscriber as the relay drives it. */
export class Subscriber implements RelayConnection {
  readonly id: number
  readonly cursor: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly #socket: WebSocket
  readonly #onSettled: () => void
  #position = 0
  #framesSent = 0
  #inFlight = 0

  /** @param onSettled Called whenever the last frame in flight was written, or failed to be. */
  constructor(
    id: number,
    socket: WebSocket,
    headers: IncomingHttpHeaders,
    cursor: number | undefined,
    onSettled: () => void,
  ) {
    this.id = id
    this.cursor = cursor
    this.headers = headers
    this.#socket = socket
    this.#onSettled = onSettled
    this.closed = new Promise(resolve => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
    // A client that resets its connection is an everyday thing here; `close` follows.
    socket.on('error', () => {})
  }

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  get framesSent(): number {
    return this.#framesSent
  }

  /** Whether everything that it was sent has left for the kernel. */
  get settled(): boolean {
    return this.#inFlight === 0
  }

  startAt(position: number): void {
    this.#position = position
  }

  /** Sends what the history has beyond its position. What was dropped from the history meanwhile is skipped. */
  catchUp(history: History): void {
    this.#position = Math.max(this.#position, history.start)
    for (let entry = history.at(this.#position); entry && this.open; entry = history.at(this.#position)) {
      this.send(entry.bytes)
      this.#position++
    }
  }

  send(data: Uint8Array | string): void {
    if (!this.open) return
    this.#framesSent++
    this.#inFlight++
    this.#socket.send(data, () => {
      this.#inFlight--
      if (this.settled) this.#onSettled()
    })
  }

  close(code = 1000, reason = ''): void {
    this.#socket.close(code, reason)
  }

  cut(): void {
    this.#socket.terminate()
  }
}
