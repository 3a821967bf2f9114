import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { FrameScanner } from './frame-scanner.ts'

export interface LoadSubscriberOptions {
  host: string
  port: number
  /** Path and query. */
  path: string
  sampleEvery: number
  /** Told of each sampled payload: `bytes[start, end)`, to be read before this returns. */
  onSample: (bytes: Buffer, start: number, end: number) => void
  onClose: (code: number) => void
}

/** A WebSocket that counts what it is sent. */
export interface LoadSubscriber {
  readonly scanner: FrameScanner
  readonly bytes: number
  destroy(): void
}

/**
 * What all sockets of the process read into, one at a time: what is read is looked at before anything else is read. It
 * saves the allocation that a read costs otherwise, and lets one read take as much as the system has.
 */
const readBuffer = Buffer.allocUnsafeSlow(1024 * 1024)

const crlf2 = Buffer.from('\r\n\r\n')

/** Empty control frames; a client masks its frames, and of nothing there is nothing to mask. */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
const goodbye = Buffer.from([0x88, 0x80, 0, 0, 0, 0])

/**
 * Connects a subscriber: a socket and an upgrade written by hand, as everything else of a WebSocket would cost more than
 * what is to be measured. Resolves when the server has accepted.
 *
 * @throws (rejects) where it refuses, with its status line
 */
export function connectSubscriber(options: LoadSubscriberOptions): Promise<LoadSubscriber> {
  const { host, port, path, sampleEvery, onSample, onClose } = options
  return new Promise((resolve, reject) => {
    let bytes = 0
    let open = false
    let closeCode = 1006
    let head = Buffer.alloc(0)
    let socket: Socket | undefined
    const scanner = new FrameScanner(sampleEvery, {
      sample: onSample,
      ping: () => void socket?.write(pong),
      close(code) {
        closeCode = code
        socket?.end(goodbye)
      },
    })
    function receive(length: number, buffer: Uint8Array): boolean {
      const chunk = buffer as Buffer
      if (open) {
        bytes += length
        scanner.scan(chunk, length)
        return true
      }
      head = Buffer.concat([head, chunk.subarray(0, length)])
      const end = head.indexOf(crlf2)
      if (end < 0) return true
      const status = head.toString('latin1', 0, head.indexOf('\r\n'))
      if (!status.startsWith('HTTP/1.1 101')) {
        reject(new Error(`${host}:${port} does not accept a subscriber: ${status}`))
        socket?.destroy()
        return false
      }
      open = true
      const rest = head.subarray(end + crlf2.length)
      bytes += rest.length
      scanner.scan(rest)
      resolve({
        scanner,
        get bytes() {
          return bytes
        },
        destroy: () => socket?.destroy(),
      })
      return true
    }
    socket = connect({ host, port, onread: { buffer: readBuffer, callback: receive } })
    socket.setNoDelay(true)
    socket.on('error', reject)
    socket.on('close', () => {
      if (open) onClose(closeCode)
      else reject(new Error(`${host}:${port} closed the connection before the upgrade`))
    })
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    )
  })
}
