import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Frame } from '../frame.ts'
import type { RelayConnection } from './connection.ts'
import type { CursorStyle } from './history.ts'
import type { Refusal } from './refusal.ts'

export interface FakeRelayOptions {
  /** Default 0: a free port. */
  readonly port?: number
  /** `>` (default): a replay begins after the cursor. `>=`: it sends the event of the cursor again. */
  readonly cursorStyle?: CursorStyle
  /** How many frames can be replayed. Default 10,000. */
  readonly maxHistory?: number
  /** A cursor beyond the last event: `error` (default) sends `FutureCursor` and closes, `live` says nothing. */
  readonly futureCursor?: 'error' | 'live'
  /** A cursor older than the history: `info` (default) sends `#info OutdatedCursor` before it, `silent` does not. */
  readonly outdatedCursor?: 'info' | 'silent'
  /** Turns `{ header, body }` into bytes. Default `encodeFrame`. */
  readonly encode?: (frame: Frame) => Uint8Array
  /** Answers requests to other paths (`getRepo`, …). Default: 404. */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => void
}

/** What a relay has seen. */
export interface RelayStats {
  /** WebSockets that were accepted. */
  readonly connections: number
  /** WebSockets that are open now. */
  readonly open: number
  /** WebSocket requests that were turned away. */
  readonly refused: number
  readonly pings: number
  /** The cursor of each accepted connection, in order; `undefined` where there was none. */
  readonly cursors: readonly (number | undefined)[]
}

export interface FakeRelay extends AsyncDisposable {
  /** `ws://127.0.0.1:port`, without a path. */
  readonly url: string
  readonly port: number
  /**
   * Adds a frame to the history and sends it to each connection that is not stalled. Its number for cursors is `seq`, or
   * the `seq` in its body, or, where that cannot be read, the number of the frame before it.
   */
  push(frame: Uint8Array | Frame, seq?: number): void
  /** Sends to the open connections at once, past history and stalls. A string goes as a text message. */
  send(data: Uint8Array | Frame | string): void
  /** Sends an `#info` frame to the open connections. */
  info(name: string, message?: string): void
  /** Sends an error frame to the open connections and closes them: 1008, the error as the reason. */
  fail(error: string, message?: string): void
  /** Drops history before `seq`, so that older cursors are outdated. */
  forgetBefore(seq: number): void
  /** From now on new connections are turned away. */
  refuse(refusal: Refusal): void
  /** Ends {@link FakeRelay.refuse}. */
  accept(): void
  /** Stops sending what is pushed; connections stay open, and pings are answered. */
  stall(): void
  /** Ends {@link FakeRelay.stall}: each connection gets what it missed, as far as the history reaches. */
  resume(): void
  /** Whether to leave pings without a pong. Starts as `false`. */
  ignorePings(ignore?: boolean): void
  /** Closes all connections properly. */
  close(code?: number, reason?: string): void
  /** Ends all TCP connections without a word. */
  cut(): void
  /** The next connection that no earlier call has answered with; rejects after `timeoutMs` (default 10,000). */
  nextConnection(timeoutMs?: number): Promise<RelayConnection>
  /**
   * Resolves when all that was sent has left for the kernel; rejects after `timeoutMs` (default 10,000). Says nothing of
   * what a client has read.
   */
  drained(timeoutMs?: number): Promise<void>
  stats(): RelayStats
}
