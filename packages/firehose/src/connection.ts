import { WebSocket } from 'ws'
import { ConnectionError } from './errors.ts'

export interface ConnectionOptions {
  url: URL
  signal: AbortSignal
  userAgent: string
  /** The largest message that is read at all, in bytes. A larger one ends the connection. Default 32 MiB. */
  maxMessageBytes?: number
  /** How long connecting may take, milliseconds. Default 15,000. */
  connectTimeoutMs?: number
  /**
   * How often to ping, milliseconds. A peer from which nothing came for two rounds, not even a pong, is dead. A quiet
   * peer that answers is not. Default 15,000.
   */
  pingMs?: number | undefined
  /**
   * How long this connection may be silent before it is suspected although it answers pings, milliseconds; asked at each
   * ping. Undefined means for ever. Default: for ever.
   */
  silenceMs?: () => number | undefined
  /** From how many unread bytes on the socket is paused. Default 4 MiB. */
  highWaterBytes?: number
  onOpen?: () => void
}

/**
 * One WebSocket connection as an async iterable: each step gives all messages that came since the last, oldest first, so
 * a busy stream costs a wake-up a batch and not a message. The consumer's pace reaches the peer as TCP backpressure. It
 * ends by throwing ConnectionError, whatever the reason, or quietly when the signal aborts.
 *
 * `@atproto/ws-client` was tried first: it bounds neither the time to connect nor the size of a message, and always
 * offers compression, which costs the reader more than the bandwidth is worth to it.
 */
export async function* openConnection(options: ConnectionOptions): AsyncGenerator<Uint8Array[], void> {
  const { signal, highWaterBytes = 4 * 1024 * 1024, pingMs = 15_000 } = options
  if (signal.aborted) return
  const socket = new WebSocket(options.url, {
    perMessageDeflate: false,
    maxPayload: options.maxMessageBytes ?? 32 * 1024 * 1024,
    handshakeTimeout: options.connectTimeoutMs ?? 15_000,
    followRedirects: false,
    headers: { 'user-agent': options.userAgent },
  })

  let messages: Uint8Array[] = []
  let bytes = 0
  let failure: ConnectionError | undefined
  let ended = false
  let wake: (() => void) | undefined
  const wakeUp = (): void => {
    wake?.()
    wake = undefined
  }
  const fail = (error: ConnectionError): void => {
    failure ??= error
    socket.terminate()
    wakeUp()
  }

  let alive = true
  let lastMessageAt = Date.now()
  let pinger: NodeJS.Timeout | undefined
  socket.on('open', () => {
    lastMessageAt = Date.now()
    options.onOpen?.()
    pinger = setInterval(() => {
      // While paused by us no pong can be seen; that is no sign of death.
      if (!alive && !socket.isPaused) {
        fail(new ConnectionError('dead', `no sign of life for ${(pingMs * 2) / 1000} s, not even a pong`))
        return
      }
      const silence = options.silenceMs?.()
      if (silence !== undefined && !socket.isPaused && Date.now() - lastMessageAt > silence) {
        const seconds = Math.round((Date.now() - lastMessageAt) / 1000)
        fail(new ConnectionError('silent', `it answers but sent nothing for ${seconds} s, unlike before`))
        return
      }
      alive = false
      socket.ping()
    }, pingMs)
  })
  socket.on('pong', () => (alive = true))
  socket.on('ping', () => (alive = true))
  socket.on('message', (data: Buffer) => {
    alive = true
    lastMessageAt = Date.now()
    messages.push(data)
    bytes += data.length
    if (bytes > highWaterBytes && !socket.isPaused) socket.pause()
    wakeUp()
  })
  socket.on('unexpected-response', (request, response) => {
    const retryAfter = Number(response.headers['retry-after'])
    request.destroy()
    failure ??= new ConnectionError(
      'http',
      `the server answered ${response.statusCode} instead of a WebSocket`,
      {
        retryAfterMs: retryAfter > 0 ? Math.min(retryAfter, 3600) * 1000 : undefined,
      },
    )
    ended = true
    wakeUp()
  })
  socket.on('error', error => {
    failure ??= asConnectionError(error)
  })
  socket.on('close', (code, reason) => {
    failure ??= new ConnectionError(
      'closed',
      `closed with ${code}${reason.length > 0 ? ` ${reason.toString()}` : ''}`,
    )
    ended = true
    clearInterval(pinger)
    wakeUp()
  })
  const onAbort = (): void => {
    socket.close(1000)
    wakeUp()
  }
  signal.addEventListener('abort', onAbort)

  try {
    for (;;) {
      if (signal.aborted) return
      if (messages.length > 0) {
        const taken = messages
        messages = []
        bytes = 0
        yield taken
        if (socket.isPaused) socket.resume()
      } else if (ended && failure) {
        throw failure
      } else {
        await new Promise<void>(resolve => (wake = resolve))
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    clearInterval(pinger)
    if (socket.readyState === WebSocket.OPEN) socket.close(1000)
    // A peer that does not answer the close must not keep the process; ws itself would wait 30 s.
    setTimeout(() => socket.terminate(), 1000).unref()
  }
}

function asConnectionError(error: Error & { code?: string }): ConnectionError {
  if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new ConnectionError('oversized', 'a message exceeds what is read at all', { cause: error })
  }
  if (/handshake has timed out/i.test(error.message)) {
    return new ConnectionError('timeout', 'connecting took too long', { cause: error })
  }
  return new ConnectionError('refused', error.message || error.code || 'the connection failed', {
    cause: error,
  })
}
