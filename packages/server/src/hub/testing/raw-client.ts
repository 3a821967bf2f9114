import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Frame, readFrames } from './frame-reader.ts'

/** A client that does only what it is told: it answers no pings, and reads when it likes. */
export interface RawClient extends Disposable {
  readonly socket: Socket
  /** Sends a frame, masked as a client's are. */
  send(opcode: number, payload?: Buffer): void
  /** All that was received behind the handshake, and is not one whole frame yet. */
  frames(): Frame[]
  /** Whether the connection has ended. */
  readonly ended: boolean
}

export interface RawOptions {
  /** Reads nothing behind the handshake; use `socket.read`. */
  paused?: boolean
  /** Does not end its side when the server ends its own, as if the news were long on their way. */
  allowHalfOpen?: boolean
}

/** Connects and upgrades. */
export async function connectRaw(port: number, path: string, options: RawOptions = {}): Promise<RawClient> {
  const { paused = false, allowHalfOpen = false } = options
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen })
  let ended = false
  socket.on('error', () => {})
  socket.on('close', () => (ended = true))
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  let received: Buffer = Buffer.alloc(0)
  for (;;) {
    await once(socket, 'readable')
    received = Buffer.concat([received, (socket.read() as Buffer | null) ?? Buffer.alloc(0)])
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) continue
    received = received.subarray(end + 4)
    break
  }
  const chunks = [received]
  if (!paused) socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    socket,
    send: (opcode, payload = Buffer.alloc(0)) => void socket.write(maskedFrame(opcode, payload)),
    frames() {
      const all = Buffer.concat(chunks)
      return readFrames(all).frames
    },
    get ended() {
      return ended
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const mask = Buffer.from([1, 2, 3, 4])
  const masked = payload.map((byte, i) => byte ^ mask[i % 4]!)
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked])
}
