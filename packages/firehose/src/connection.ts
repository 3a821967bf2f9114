import { WebSocket } from 'ws'
import { ConnectionError } from './errors.ts'

export interface ConnectionOptions {
  url: URL
  signal: AbortSignal
  userAgent: string
  /** The largest message that is read at all, in bytes. A larger one ends the connection. Default 32 MiB. */
  maxMessageBytes?: number
  /** How long connecting may take, from the look-up of the name to the upgrade, milliseconds. Default 15,000. */
  connectTimeoutMs?: number | undefined
  /**
   * How often to ping, milliseconds. A peer from which nothing came between a ping and the next, not even a pong, is
   * dead. A quiet peer that answers is not. Default 15,000.
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
  const { signal, highWaterBytes = 4 * 1024 * 1024, pingMs = 15_000, connectTimeoutMs = 15_000 } = options
  if (signal.aborted) return
  const socket = new WebSocket(options.url, {
    perMessageDeflate: false,
    maxPayload: options.maxMessageBytes ?? 32 * 1024 * 1024,
    followRedirects: false,
    headers: { 'user-agent': options.userAgent },
  })

  let messages: Uint8Array[] = []
  let bytes = 0
  let failure: ConnectionError | undefined
  let ended = false
  let isOver = false
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

  // Not the handshakeTimeout of ws, which begins anew with every byte that comes.
  const connecting = setTimeout(() => {
    fail(new ConnectionError('timeout', `connecting took longer than ${connectTimeoutMs / 1000} s`))
  }, connectTimeoutMs)
  let alive = true
  let lastMessageAt = performance.now()
  let lastTickAt = lastMessageAt
  let pinger: NodeJS.Timeout | undefined
  const tick = (): void => {
    const now = performance.now()
    // What was not read says nothing: while we paused the socket, or when this very tick comes late since the process had
    // no time for it, pongs and messages may be waiting. The next tick knows.
    const unread = socket.isPaused || now - lastTickAt > pingMs * 1.5
    lastTickAt = now
    const silence = options.silenceMs?.()
    if (unread) {
      lastMessageAt = now
    } else if (!alive) {
      fail(new ConnectionError('dead', `no sign of life for ${pingMs / 1000} s, not even a pong`))
      return
    } else if (silence !== undefined && now - lastMessageAt > silence) {
      const seconds = Math.round((now - lastMessageAt) / 1000)
      fail(new ConnectionError('silent', `it answers but sent nothing for ${seconds} s, unlike before`))
      return
    }
    alive = unread
    socket.ping()
  }
  socket.on('open', () => {
    clearTimeout(connecting)
    lastMessageAt = lastTickAt = performance.now()
    options.onOpen?.()
    pinger = setInterval(tick, pingMs)
  })
  socket.on('pong', () => (alive = true))
  socket.on('ping', () => (alive = true))
  socket.on('message', (data: Buffer) => {
    if (isOver) return
    alive = true
    lastMessageAt = performance.now()
    messages.push(data)
    bytes += data.length
    if (bytes > highWaterBytes && !socket.isPaused) socket.pause()
    wakeUp()
  })
  socket.on('unexpected-response', (request, response) => {
    clearTimeout(connecting)
    const retryAfterMs = readRetryAfter(response.headers['retry-after'])
    request.destroy()
    failure ??= new ConnectionError(
      'http',
      `the server answered ${response.statusCode} instead of a WebSocket`,
      { retryAfterMs },
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
    clearTimeout(connecting)
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
    isOver = true
    messages = []
    signal.removeEventListener('abort', onAbort)
    clearTimeout(connecting)
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
  const words = inWords[error.code ?? '']
  const said = error.message || error.code || 'the connection failed'
  return new ConnectionError('refused', words ? `${words} (${error.code})` : said, { cause: error })
}

/** What the system's codes mean to who runs this. */
const inWords: Record<string, string> = {
  ENOTFOUND: 'its name has no address; is it spelt right, and this machine online?',
  EAI_AGAIN: 'its name cannot be looked up now; is this machine online?',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it hung up',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to it; is this machine online?',
  ENETUNREACH: 'there is no way to it; is this machine online?',
}

/** The longest wait that a source may ask for, milliseconds. */
const maxRetryAfterMs = 3_600_000

/** Seconds, or a date. @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function readRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000
  return ms > 0 ? Math.min(ms, maxRetryAfterMs) : undefined
}
