import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { probeServer } from '../../test/probe-server.ts'
import type { ProbeServer } from '../../test/probe-server.ts'
import type { HttpServer } from './create-http.ts'
import type { HttpOptions } from './create-http.ts'
import { listen } from './listen.ts'

/** Says that a request has reached its route. */
const arrived = new EventEmitter()

function routes(app: HttpServer): void {
  app.get('/plain', () => ({ fine: true }))
  app.get('/slow', async () => {
    arrived.emit('slow')
    await sleep(200)
    return { fine: true }
  })
  app.get('/endless', () => {
    arrived.emit('endless')
    return new Promise<never>(() => {})
  })
  app.get('/echo', { websocket: true }, socket => {
    socket.on('message', (data: Buffer) => socket.send(data.toString()))
  })
  app.get('/breaks', { websocket: true }, () => {
    throw new Error('a mistake in the route')
  })
  app.route({
    method: 'GET',
    url: '/both',
    handler: () => ({ fine: true }),
    wsHandler: socket => socket.send('hello'),
  })
}

async function listening(
  options: Partial<HttpOptions> = {},
): Promise<ProbeServer & { url: string; port: number }> {
  const server = await probeServer(routes, options)
  const { url, port } = await listen(server.app, { host: '127.0.0.1', port: 0 })
  return { ...server, url, port }
}

/** How a WebSocket connection attempt ends: open, or the response that refused it. */
async function dial(
  url: string,
  options = {},
): Promise<WebSocket | { status: number | undefined; body: string; headers: object }> {
  const socket = new WebSocket(url.replace('http', 'ws'), options)
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(socket))
    socket.on('error', reject)
    socket.on('unexpected-response', (_request, response) => {
      text(response).then(
        body => resolve({ status: response.statusCode, body, headers: response.headers }),
        reject,
      )
    })
  })
}

async function open(url: string, options = {}): Promise<WebSocket> {
  const socket = await dial(url, options)
  if (socket instanceof WebSocket) return socket
  throw new Error(`refused with ${socket.status}: ${socket.body}`)
}

async function closeOf(socket: WebSocket): Promise<[code: number, reason: string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

/** Sends bytes and reads until the server closes the connection. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

/** A WebSocket client that connects, and then neither sends nor answers anything. */
async function silentClient(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.write(upgradeOf('/echo'))
  await once(socket, 'data')
  return socket
}

const upgradeOf = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

const corsAndNosniff = { 'access-control-allow-origin': '*', 'x-content-type-options': 'nosniff' }

describe('listen', () => {
  it('says where, with an address to connect to', async () => {
    await using server = await probeServer(routes)
    const { host, port, url } = await listen(server.app, { host: '0.0.0.0', port: 0 })
    expect(host).toBe('0.0.0.0')
    expect(url).toBe(`http://127.0.0.1:${port}`)
    expect(await (await fetch(`${url}/plain`)).json()).toEqual({ fine: true })
  })

  it('rejects when the port is taken', async () => {
    await using first = await listening()
    await using second = await probeServer(routes)
    await expect(listen(second.app, { host: '127.0.0.1', port: first.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })
})

describe('WebSocket routes', () => {
  it('take connections, without compression', async () => {
    await using server = await listening()
    const socket = await open(`${server.url}/echo`, { perMessageDeflate: true })
    expect(socket.extensions).toBe('')
    socket.send('hello')
    expect(String((await once(socket, 'message'))[0])).toBe('hello')
    socket.close()
  })

  it('refuse messages above the limit', async () => {
    await using server = await listening({ maxPayload: 100 })
    const socket = await open(`${server.url}/echo`)
    socket.send('x'.repeat(101))
    expect(await closeOf(socket)).toEqual([1009, ''])
    expect(server.lines.filter(line => line['level'] === 'error')).toEqual([])
  })

  it('close with 1011 when the route itself fails, and log why', async () => {
    await using server = await listening()
    const socket = await open(`${server.url}/breaks`)
    expect(await closeOf(socket)).toEqual([1011, 'Internal Server Error'])
    expect(server.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        err: expect.objectContaining({ message: 'a mistake in the route' }) as object,
      }),
    )
  })

  it.each([
    ['/nowhere', 404, 'NotFound', 'There is nothing at /nowhere'],
    ['/plain', 404, 'NotFound', 'There is no WebSocket at /plain'],
    [
      '/xrpc/app.example.subscribe',
      501,
      'MethodNotImplemented',
      'app.example.subscribe is not implemented here',
    ],
  ])('refuse an upgrade of %s with %i', async (path, status, error, message) => {
    await using server = await listening()
    const refused = await dial(`${server.url}${path}`)
    expect(refused).toMatchObject({
      status,
      body: JSON.stringify({ error, message }),
      headers: { ...corsAndNosniff, connection: 'close' },
    })
  })

  it('close the connection of a refused upgrade', async () => {
    await using server = await listening()
    const response = await raw(server.port, upgradeOf('/nowhere'))
    expect(response).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
    expect(response).toMatch(/\{"error":"NotFound","message":"There is nothing at \/nowhere"\}$/)
  })

  it('refuse what is no WebSocket', async () => {
    await using server = await listening()
    const response = await fetch(`${server.url}/echo`)
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toEqual({
      error: 'UpgradeRequired',
      message: 'This path is for WebSocket connections',
    })
  })

  it('may share a path with plain requests', async () => {
    await using server = await listening()
    expect(await (await fetch(`${server.url}/both`)).json()).toEqual({ fine: true })
    const socket = new WebSocket(`${server.url}/both`)
    expect(String((await once(socket, 'message'))[0])).toBe('hello')
    socket.close()
  })

  it('do not take other upgrades for theirs: curl --http2 gets its answer', async () => {
    await using server = await listening()
    const response = await raw(
      server.port,
      'GET /plain HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    )
    expect(response).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  })

  it('are not in the metrics of requests while they last', async () => {
    await using server = await listening()
    const socket = await open(`${server.url}/echo`)
    socket.close()
    await closeOf(socket)
    await dial(`${server.url}/nowhere`)
    const counts = (await server.metrics.registry.metrics())
      .split('\n')
      .filter(line => line.includes('_count'))
    expect(counts).toEqual([
      'http_request_duration_seconds_count{route="unmatched",method="GET",status="4xx"} 1',
    ])
  })
})

describe('limits', () => {
  it('refuses headers that are too large, in the same shape as everything', async () => {
    await using server = await listening({ maxHeaderBytes: 2_000 })
    const response = await fetch(`${server.url}/plain?x=${'y'.repeat(3_000)}`)
    expect(response.status).toBe(431)
    expect(Object.fromEntries(response.headers)).toMatchObject(corsAndNosniff)
    expect(await response.json()).toMatchObject({ error: 'RequestHeadersTooLarge' })
  })

  it('takes the long query strings that clients do send', async () => {
    await using server = await listening()
    const dids = Array.from({ length: 1_000 }, (_, i) => `wantedDids=did:plc:${String(i).padStart(24, 'a')}`)
    expect((await fetch(`${server.url}/plain?${dids.join('&')}`)).status).toBe(200)
  })

  it('gives up on headers that do not come', async () => {
    await using server = await listening({ headersTimeoutMs: 100, requestTimeoutMs: 200 })
    const response = await raw(server.port, 'GET /plain HTTP/1.1\r\nHost: x\r\n')
    expect(response).toMatch(/^HTTP\/1\.1 408 /)
    expect(response).toContain('Access-Control-Allow-Origin: *')
    expect(response).toContain('{"error":"RequestTimeout"')
  })

  it('refuses what is not HTTP', async () => {
    await using server = await listening()
    const response = await raw(server.port, 'nonsense\r\n\r\n')
    expect(response).toMatch(/^HTTP\/1\.1 400 /)
    expect(response).toContain('{"error":"InvalidRequest","message":"The request is not valid HTTP"}')
  })
})

describe('the stop', () => {
  it('finishes requests in flight, and refuses those that come meanwhile', async () => {
    const server = await listening({ closeGraceMs: 10_000 })
    // A client that answers nothing keeps the stop waiting.
    const silent = await silentClient(server.port)
    const inFlight = fetch(`${server.url}/slow`)
    await once(arrived, 'slow')
    const closed = server.app.close()
    const late = await fetch(`${server.url}/plain`)
    expect(late.status).toBe(503)
    expect(Object.fromEntries(late.headers)).toMatchObject({
      ...corsAndNosniff,
      connection: 'close',
      'retry-after': '1',
    })
    expect(await late.json()).toEqual({ error: 'ServiceUnavailable', message: 'The server is stopping' })
    expect(await dial(`${server.url}/echo`)).toMatchObject({ status: 503 })
    expect(await (await inFlight).json()).toEqual({ fine: true })
    silent.destroy()
    await closed
    await expect(fetch(`${server.url}/plain`)).rejects.toThrow('fetch failed')
  })

  it('cuts off requests that do not finish', async () => {
    const server = await listening({ requestGraceMs: 50 })
    const outcome = fetch(`${server.url}/endless`).then(String, String)
    await once(arrived, 'endless')
    const started = performance.now()
    await server.app.close()
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(await outcome).toBe('TypeError: fetch failed')
  })

  it('tells WebSocket clients to go away', async () => {
    const server = await listening()
    const socket = await open(`${server.url}/echo`)
    const closing = closeOf(socket)
    await server.app.close()
    expect(await closing).toEqual([1001, 'The server is stopping'])
  })

  it('does not wait long for a dead WebSocket client', async () => {
    const server = await listening({ closeGraceMs: 50 })
    const silent = await silentClient(server.port)
    const started = performance.now()
    await server.app.close()
    expect(performance.now() - started).toBeLessThan(2_000)
    silent.destroy()
  })
})
