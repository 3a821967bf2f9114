import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { closeAbruptly, listenOnLoopback, LOOPBACK } from '../listen.ts'
import { firstSeq } from '../simulated/seq.ts'
import { timeBytes } from './format.ts'
import type { Recording } from './recording.ts'

export interface PlayerServer extends AsyncDisposable {
  /** `ws://127.0.0.1:port`, without a path. */
  readonly url: string
  /** Lets the frames come, from where they stopped: so many a second, or, undefined, as fast as each consumer takes them. */
  play(perSecond: number | undefined): void
  stats(): PlayerStats
}

export interface PlayerStats {
  /** Frames that a consumer can have had by now. */
  published: number
  /** Frames and bytes handed to the sockets, over all connections. */
  sentFrames: number
  sentBytes: number
  connections: number
}

/** Written to a socket at a time, bytes, about: a write costs some microseconds whatever it carries. */
const batchBytes = 256 * 1024

/** How often what has become due is sent, milliseconds. */
const tickMs = 5

/** A binary message in one frame, from a server, of more than 125 and less than 64 Ki bytes, or of more. */
const [binary, in16Bits, in64Bits] = [0x82, 126, 127]

/**
 * Serves a recording as a relay does. It puts WebSocket frames into the socket itself, many in one write, so that a
 * consumer of any speed is the limit and not this; `ws` does handshake and control frames.
 */
export async function servePlayer(recording: Recording): Promise<PlayerServer> {
  const { count } = recording
  const open = new Set<Socket>()
  const counts = { sentFrames: 0, sentBytes: 0, connections: 0 }
  let base = 0
  let startedAt = performance.now()
  let rate: number | undefined = 0

  function published(): number {
    if (rate === undefined) return count
    return Math.min(count, base + Math.floor(((performance.now() - startedAt) / 1000) * rate))
  }

  /** Sends from a position on, until the connection ends. Messages of the client but for pings are passed over. */
  async function send(socket: Socket, from: number): Promise<void> {
    for (let position = from; open.has(socket);) {
      const upTo = published()
      if (position >= upTo) {
        await sleep(tickMs)
        continue
      }
      let to = position
      for (let bytes = 0; to < upTo && bytes < batchBytes; to++) bytes += recording.length(to)
      const batch = frameBatch(recording, position, to)
      counts.sentFrames += to - position
      counts.sentBytes += batch.length
      position = to
      if (!socket.write(batch)) await new Promise<void>(resolve => waitForRoom(socket, resolve))
    }
  }

  const server = createServer((_request, response) => response.writeHead(426).end())
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket
    const cursor = new URL(request.url ?? '', 'http://player').searchParams.get('cursor')
    sockets.handleUpgrade(request, socket, head, ws => {
      counts.connections++
      open.add(socket)
      ws.on('error', () => {})
      ws.on('close', () => open.delete(socket))
      // As fast as it is taken there is no "now" to begin with: who has no cursor begins with the first frame.
      const now = rate === undefined ? 0 : published()
      const from = cursor === null ? now : Math.min(count, Math.max(0, Number(cursor) - firstSeq))
      void send(socket, from)
    })
  })

  const port = await listenOnLoopback(server)
  return {
    url: `ws://${LOOPBACK}:${port}`,
    play(perSecond) {
      base = published()
      startedAt = performance.now()
      rate = perSecond
    },
    stats: () => ({ ...counts, published: published() }),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      open.clear()
      await closeAbruptly(server)
    },
  }
}

/** Frames as WebSocket messages, their times set to now. */
function frameBatch(recording: Recording, from: number, to: number): Buffer {
  const frames = recording.read(from, to)
  const time = new Date().toISOString()
  const batch = Buffer.allocUnsafe(frames.length + (to - from) * 10)
  let start = 0
  let at = 0
  for (let i = from; i < to; i++) {
    const length = recording.length(i)
    batch[at++] = binary
    if (length < 65_536) {
      batch[at++] = in16Bits
      at = batch.writeUInt16BE(length, at)
    } else {
      batch[at++] = in64Bits
      at = batch.writeUInt32BE(length, batch.writeUInt32BE(0, at))
    }
    frames.copy(batch, at, start, start + length)
    const timeAt = recording.timeAt(i)
    if (timeAt > 0) batch.write(time, at + timeAt, timeBytes, 'latin1')
    start += length
    at += length
  }
  return batch.subarray(0, at)
}

function waitForRoom(socket: Socket, resolve: () => void): void {
  const done = (): void => {
    socket.off('drain', done)
    socket.off('close', done)
    resolve()
  }
  socket.on('drain', done)
  socket.on('close', done)
}
