import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FakeRelay, startFakeRelay, waitFor } from '@orrery/testnet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ConnectionOptions, openConnection } from './connection.ts'
import { ConnectionError } from './errors.ts'

let relay: FakeRelay
let stop: AbortController
beforeEach(async () => {
  relay = await startFakeRelay()
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await relay[Symbol.asyncDispose]()
})

const pathOf = (base: string): URL => new URL('/xrpc/com.atproto.sync.subscribeRepos', base)

/** Reads a connection to its end; what came, and what ended it. */
function read(options: Partial<ConnectionOptions> = {}) {
  const messages: Uint8Array[] = []
  const connection = openConnection({
    url: pathOf(relay.url),
    signal: stop.signal,
    userAgent: 'test',
    ...options,
  })
  const end = (async (): Promise<ConnectionError | undefined> => {
    try {
      for await (const batch of connection) messages.push(...batch)
    } catch (error) {
      if (error instanceof ConnectionError) return error
      throw error
    }
    return undefined
  })()
  return { messages, end }
}

/** A server of bytes, for what no WebSocket server would do. */
async function serve(
  onSocket: (socket: Socket) => void,
): Promise<{ url: string; server: Server } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `ws://127.0.0.1:${port}`,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

describe('connecting', () => {
  it('says who it is, and asks for no compression', async () => {
    const { end } = read({ userAgent: 'orrery/1.2' })
    const { headers } = await relay.nextConnection()
    expect(headers['user-agent']).toBe('orrery/1.2')
    expect(headers['sec-websocket-extensions']).toBeUndefined()
    stop.abort()
    expect(await end).toBeUndefined()
  })

  it('that is refused says so', async () => {
    const { url } = relay
    await relay[Symbol.asyncDispose]()
    expect(await read({ url: pathOf(url) }).end).toMatchObject({ code: 'refused' })
    relay = await startFakeRelay()
  })

  it('that is answered with HTTP says with which status, and how long to wait', async () => {
    relay.refuse({ status: 429, retryAfterSeconds: 7 })
    expect(await read().end).toMatchObject({ code: 'http', retryAfterMs: 7_000 })
    const at = new Date(Date.now() + 90_000).toUTCString()
    relay.refuse({ status: 503, headers: { 'retry-after': at } })
    const { retryAfterMs, message } = (await read().end)!
    expect(message).toContain('503')
    expect(retryAfterMs).toBeGreaterThan(85_000)
    expect(retryAfterMs).toBeLessThanOrEqual(90_000)
  })

  it.each([
    ['-5', undefined],
    ['0', undefined],
    ['soon', undefined],
    ['99999999', 3_600_000],
  ])('does not believe every wait: %s', async (header, retryAfterMs) => {
    relay.refuse({ status: 429, headers: { 'retry-after': header } })
    expect((await read().end)!.retryAfterMs).toBe(retryAfterMs)
  })

  it('ends when nobody answers', async () => {
    relay.refuse({ status: 'silence' })
    const startedAt = performance.now()
    expect(await read({ connectTimeoutMs: 100 }).end).toMatchObject({ code: 'timeout' })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  it('ends when the answer comes a byte at a time', async () => {
    await using server = await serve(socket => {
      const timer = setInterval(() => socket.write('H'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    expect(await read({ url: pathOf(server.url), connectTimeoutMs: 150 }).end).toMatchObject({
      code: expect.stringMatching(/timeout|refused/) as string,
    })
  })

  it('follows no redirect', async () => {
    relay.refuse({ status: 302, headers: { location: 'ws://127.0.0.1:9/' } })
    expect(await read().end).toMatchObject({ code: 'http' })
  })
})

describe('messages', () => {
  it('come in their order, those that came together at one step', async () => {
    const { messages } = read()
    await relay.nextConnection()
    for (let i = 0; i < 1_000; i++) relay.send(Buffer.from(`${i}`))
    await waitFor(() => messages.length === 1_000)
    expect(messages.map(String)).toEqual(Array.from({ length: 1_000 }, (_, i) => `${i}`))
  })

  it('that came before the end are given out before it', async () => {
    const { messages, end } = read()
    await relay.nextConnection()
    relay.send(Buffer.from('last words'))
    relay.close(1012, 'restart')
    expect(await end).toMatchObject({ code: 'closed', message: 'closed with 1012 restart' })
    expect(messages.map(String)).toEqual(['last words'])
  })

  it('that are too large end it', async () => {
    const { end } = read({ maxMessageBytes: 1_000 })
    await relay.nextConnection()
    relay.send(new Uint8Array(1_001))
    expect(await end).toMatchObject({ code: 'oversized' })
  })

  it('are not read faster than they are taken', async () => {
    const connection = openConnection({
      url: pathOf(relay.url),
      signal: stop.signal,
      userAgent: 'test',
      highWaterBytes: 100_000,
    })
    const first = connection.next()
    const peer = await relay.nextConnection()
    relay.send(new Uint8Array(1_000))
    await first
    // More than the sockets of both sides hold.
    for (let i = 0; i < 400; i++) relay.send(new Uint8Array(100_000))
    await expect(relay.drained(500)).rejects.toThrow('timed out')
    let bytes = 0
    while (bytes < 40_000_000) {
      const step = await connection.next()
      for (const message of step.value!) bytes += message.length
    }
    await relay.drained()
    expect(peer.open).toBe(true)
    await connection.return()
  })
})

describe('liveness', () => {
  it('a peer that goes away without a word is noticed at once', async () => {
    const { end } = read()
    const peer = await relay.nextConnection()
    peer.cut()
    expect(await end).toMatchObject({ code: 'closed', message: 'closed with 1006' })
  })

  it('a peer that answers no ping is dead', async () => {
    const { end } = read({ pingMs: 60 })
    await relay.nextConnection()
    relay.ignorePings()
    expect(await end).toMatchObject({ code: 'dead' })
  })

  it('a peer that answers no ping but sends is not', async () => {
    const { end, messages } = read({ pingMs: 60 })
    await relay.nextConnection()
    relay.ignorePings()
    for (let i = 0; i < 20; i++) {
      relay.send(Buffer.of(i))
      await sleep(20)
    }
    expect(messages).toHaveLength(20)
    expect(await end).toMatchObject({ code: 'dead' })
  })

  it('a quiet peer that answers pings lives', async () => {
    const { messages } = read({ pingMs: 20, silenceMs: () => undefined })
    const peer = await relay.nextConnection()
    await waitFor(() => relay.stats().pings >= 20)
    expect(peer.open).toBe(true)
    relay.send(Buffer.from('still here'))
    await waitFor(() => messages.length === 1)
  })

  it('a peer whose silence is suspicious is left, though it answers', async () => {
    const { end, messages } = read({ pingMs: 20, silenceMs: () => 150 })
    await relay.nextConnection()
    for (let i = 0; i < 10; i++) {
      relay.send(Buffer.of(i))
      await sleep(30)
    }
    const silentSince = performance.now()
    expect(await end).toMatchObject({ code: 'silent' })
    expect(messages).toHaveLength(10)
    expect(performance.now() - silentSince).toBeGreaterThan(90)
  })

  it('is not doubted for the time that we did not read', async () => {
    const connection = openConnection({
      url: pathOf(relay.url),
      signal: stop.signal,
      userAgent: 'test',
      highWaterBytes: 1,
      pingMs: 40,
      silenceMs: () => 100,
    })
    const first = connection.next()
    await relay.nextConnection()
    relay.send(new Uint8Array(1_000))
    await first
    for (let round = 0; round < 5; round++) {
      // A slow consumer: the socket is paused over several pings, and goes on for a moment in between.
      relay.send(new Uint8Array(1_000))
      relay.send(new Uint8Array(1_000))
      await sleep(130)
      const step = await connection.next()
      expect(step.done).toBe(false)
    }
    await connection.return()
  })

  it('is not doubted after our own process stood still', async () => {
    let stops = 0
    const { messages } = read({
      pingMs: 60,
      // Asked at each ping: right behind it this process, and the relay in it, has no time for anything.
      silenceMs() {
        if (++stops < 6) process.nextTick(() => standStill(200))
        return undefined
      },
    })
    const peer = await relay.nextConnection()
    await waitFor(() => stops >= 8)
    expect(peer.open).toBe(true)
    relay.send(Buffer.of(1))
    await waitFor(() => messages.length === 1)
  })
})

function standStill(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('the end', () => {
  it('by the signal is quiet, and closes properly', async () => {
    const { end } = read()
    const peer = await relay.nextConnection()
    await sleep(20)
    stop.abort()
    expect(await end).toBeUndefined()
    expect(await peer.closed).toEqual({ code: 1000, reason: '' })
  })

  it('by the signal also ends what is just connecting', async () => {
    relay.refuse({ status: 'silence' })
    const { end } = read()
    await waitFor(() => relay.stats().refused === 1)
    stop.abort()
    expect(await end).toBeUndefined()
  })

  it('by a signal that has aborted already is no connection at all', async () => {
    stop.abort()
    expect(await read().end).toBeUndefined()
    expect(relay.stats().connections).toBe(0)
  })

  it('by leaving the loop closes, also if the peer does not answer', async () => {
    await using server = await serve(socket => {
      socket.once('data', request => {
        const key = /sec-websocket-key: (.*)\r/i.exec(request.toString())![1]!
        void upgrade(socket, key)
      })
    })
    const closed = new Promise<number>(resolve => {
      server.server.on('connection', (socket: Socket) => {
        socket.on('close', () => resolve(performance.now()))
      })
    })
    for await (const [message] of openConnection({
      url: pathOf(server.url),
      signal: stop.signal,
      userAgent: 'test',
    })) {
      expect(String(message)).toBe('hi')
      break
    }
    const leftAt = performance.now()
    expect((await closed) - leftAt).toBeLessThan(1_500)
  })
})

/** A WebSocket server that greets, and answers nothing from then on. */
async function upgrade(socket: Socket, key: string): Promise<void> {
  const { createHash } = await import('node:crypto')
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.write(Buffer.concat([Buffer.of(0x82, 2), Buffer.from('hi')]))
}
