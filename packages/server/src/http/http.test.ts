import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

import { probeServer } from '../../test/probe-server.ts'
import { createClientAddress } from './client-address.ts'
import type { HttpServer } from './create-http.ts'
import { HttpError, invalidRequest, serviceUnavailable } from './errors.ts'
import { listen } from './listen.ts'

const inner = '/data/private/secret.sqlite is gone'

function routes(app: HttpServer): void {
  app.get('/plain', () => ({ fine: true }))
  app.get('/profile/:did', request => request.params)
  app.get('/files/*', () => ({ fine: true }))
  app.post(
    '/xrpc/app.example.make',
    { schema: { body: z.object({ text: z.string().max(10) }) } },
    request => request.body,
  )
  app.get(
    '/xrpc/app.example.list',
    {
      schema: {
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(100).default(50),
          did: z.string(),
        }),
      },
    },
    request => {
      expectTypeOf(request.query).toEqualTypeOf<{ limit: number; did: string }>()
      return { limit: request.query.limit }
    },
  )
  app.get('/throws/known', () => {
    throw invalidRequest('limit must be a number')
  })
  app.get('/throws/upstream', () => {
    throw new HttpError(502, 'UpstreamFailure', 'The PDS did not answer', { cause: new Error(inner) })
  })
  app.get('/throws/busy', () => {
    throw serviceUnavailable('Too much to do', 7)
  })
  app.get('/throws/unknown', () => {
    throw new Error(inner)
  })
  app.get('/throws/status', () => {
    // Errors of libraries carry statuses, too; their messages are not for clients.
    throw Object.assign(new Error(inner), { statusCode: 418, code: 'TEAPOT' })
  })
  app.get('/throws/nothing', async () => {
    throw undefined as unknown as Error
  })
}

const exactly = (text: string): RegExp => new RegExp(`^${RegExp.escape(text)}$`)

const everyResponse = {
  'access-control-allow-origin': '*',
  'x-content-type-options': 'nosniff',
  'x-request-id': expect.stringMatching(/^[0-9a-f]{8}-[0-9a-z]+$/) as string,
}

async function idFor(trustProxy: string[], id: string): Promise<unknown> {
  await using server = await probeServer(routes, { trustProxy })
  const response = await server.app.inject({ url: '/plain', headers: { 'x-request-id': id } })
  return response.headers['x-request-id']
}

describe('errors', () => {
  it.each([
    ['GET', '/nowhere', 404, 'NotFound', 'There is nothing at /nowhere'],
    ['GET', '/nowhere?x=1', 404, 'NotFound', 'There is nothing at /nowhere'],
    ['GET', '/plain/', 404, 'NotFound', 'There is nothing at /plain/'],
    [
      'GET',
      '/xrpc/app.example.unknown',
      501,
      'MethodNotImplemented',
      'app.example.unknown is not implemented here',
    ],
    [
      'POST',
      '/xrpc/app.example.unknown',
      501,
      'MethodNotImplemented',
      'app.example.unknown is not implemented here',
    ],
    ['GET', '/xrpc/app.example.make', 405, 'MethodNotAllowed', 'GET is not allowed here; use POST'],
    ['POST', '/xrpc/app.example.list', 405, 'MethodNotAllowed', 'POST is not allowed here; use GET or HEAD'],
    [
      'DELETE',
      '/profile/did:plc:abc',
      405,
      'MethodNotAllowed',
      'DELETE is not allowed here; use GET or HEAD',
    ],
    ['PUT', '/files/a/b/c', 405, 'MethodNotAllowed', 'PUT is not allowed here; use GET or HEAD'],
    ['GET', '/xrpc/app.example.list', 400, 'InvalidRequest', /^Invalid query parameter "did": /],
    [
      'GET',
      '/xrpc/app.example.list?did=x&limit=101',
      400,
      'InvalidRequest',
      /^Invalid query parameter "limit": /,
    ],
    ['GET', '/throws/known', 400, 'InvalidRequest', 'limit must be a number'],
    ['GET', '/throws/upstream', 502, 'UpstreamFailure', 'The PDS did not answer'],
    ['GET', '/throws/unknown', 500, 'InternalServerError', 'Internal Server Error'],
    ['GET', '/throws/status', 500, 'InternalServerError', 'Internal Server Error'],
    ['GET', '/throws/nothing', 500, 'InternalServerError', 'Internal Server Error'],
    ['GET', '/%zz', 400, 'InvalidRequest', 'The path is not valid'],
  ] as const)('%s %s is %i %s', async (method, url, status, error, message) => {
    await using server = await probeServer(routes)
    const response = await server.app.inject({ method, url })
    expect(response.statusCode).toBe(status)
    expect(response.json()).toEqual({
      error,
      message: expect.stringMatching(typeof message === 'string' ? exactly(message) : message) as string,
    })
    expect(response.headers).toMatchObject({
      ...everyResponse,
      'content-type': 'application/json; charset=utf-8',
    })
  })

  it('name every parameter that is wrong', async () => {
    await using server = await probeServer(routes)
    const response = await server.app.inject('/xrpc/app.example.list?limit=0')
    expect(response.json<{ message: string }>().message).toMatch(/"limit": .*; .*"did": /)
  })

  it.each([
    ['too large', 'application/json', JSON.stringify({ text: 'x'.repeat(300) }), 413, 'PayloadTooLarge'],
    ['not JSON', 'application/json', '{"text":', 400, 'InvalidRequest'],
    ['empty', 'application/json', '', 400, 'InvalidRequest'],
    ['of another type', 'text/csv', 'a,b', 415, 'UnsupportedMediaType'],
    ['not as the schema says', 'application/json', '{"text":"much too long"}', 400, 'InvalidRequest'],
    ['poisoned', 'application/json', '{"text":"x","__proto__":{"a":1}}', 400, 'InvalidRequest'],
  ])('a body that is %s', async (_what, type, payload, status, error) => {
    await using server = await probeServer(routes, { bodyLimit: 200 })
    const response = await server.app.inject({
      method: 'POST',
      url: '/xrpc/app.example.make',
      headers: { 'content-type': type },
      payload,
    })
    expect(response.statusCode).toBe(status)
    expect(response.json()).toEqual({ error, message: expect.any(String) as string })
    expect(response.headers).toMatchObject(everyResponse)
  })

  it('never show internals, but log them', async () => {
    await using server = await probeServer(routes)
    for (const path of ['/throws/unknown', '/throws/status', '/throws/upstream']) {
      const response = await server.app.inject(path)
      expect(response.payload).not.toContain('private')
      const logged = server.lines.findLast(line => line['level'] === 'error')
      expect(logged).toMatchObject({ msg: 'a request failed', path, err: { message: inner } })
      expect(logged?.['requestId']).toBe(response.headers['x-request-id'])
    }
  })

  it('are not logged where a client leaves in the middle of its request', async () => {
    await using server = await probeServer(app => {
      app.post('/', () => 'ok')
    })
    const { host, port } = await listen(server.app, { host: '127.0.0.1', port: 0 })
    const socket = connect(port, host)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nx')
    const request = await new Promise<IncomingMessage>(resolve => server.app.server.once('request', resolve))
    const closed = new Promise<void>(resolve => request.once('close', resolve))
    socket.destroy()
    await closed
    await setImmediate()
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('carry the headers that belong to them', async () => {
    await using server = await probeServer(routes)
    expect((await server.app.inject('/throws/busy')).headers['retry-after']).toBe('7')
    expect((await server.app.inject({ method: 'POST', url: '/plain' })).headers['allow']).toBe(
      'GET, HEAD, OPTIONS',
    )
  })

  it('refuse a schema that is not of zod when the route is added', async () => {
    await expect(
      probeServer(app => {
        app.get('/x', { schema: { querystring: { type: 'object' } } }, () => ({}))
      }),
    ).rejects.toThrow('not of zod')
  })
})

describe('successes', () => {
  it('have the common headers', async () => {
    await using server = await probeServer(routes)
    const response = await server.app.inject({
      url: '/xrpc/app.example.list?did=x',
      headers: { origin: 'https://app.example' },
    })
    expect(response.json()).toEqual({ limit: 50 })
    expect(response.headers).toMatchObject({ ...everyResponse, 'access-control-expose-headers': '*' })
    const head = await server.app.inject({ method: 'HEAD', url: '/plain' })
    expect([head.statusCode, head.payload]).toEqual([200, ''])
  })

  it('answer preflights everywhere, also where there is nothing', async () => {
    await using server = await probeServer(routes)
    for (const url of ['/plain', '/xrpc/app.example.make', '/nowhere']) {
      const response = await server.app.inject({
        method: 'OPTIONS',
        url,
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,atproto-proxy',
        },
      })
      expect(response.statusCode).toBe(204)
      expect(response.headers).toMatchObject({
        ...everyResponse,
        'access-control-allow-headers': 'authorization,atproto-proxy',
        'access-control-allow-methods': expect.stringContaining('POST') as string,
        'access-control-max-age': '86400',
      })
    }
    expect((await server.app.inject({ method: 'OPTIONS', url: '/plain' })).statusCode).toBe(204)
  })

  it('take path parameters as long as at-uris', async () => {
    await using server = await probeServer(routes)
    const did = `did:web:${'a'.repeat(1_500)}`
    expect((await server.app.inject(`/profile/${did}`)).json()).toEqual({ did })
  })
})

describe('request ids', () => {
  it('are taken from a proxy only when proxies are trusted, and only when they look like ids', async () => {
    expect(await idFor(['loopback'], 'from-proxy.1')).toBe('from-proxy.1')
    expect(await idFor([], 'from-proxy.1')).not.toBe('from-proxy.1')
    expect(await idFor(['loopback'], 'a b')).not.toBe('a b')
    expect(await idFor(['loopback'], 'x'.repeat(65))).toHaveLength(10)
  })

  it('differ', async () => {
    await using server = await probeServer(routes)
    const ids = new Set<unknown>()
    for (let i = 0; i < 20; i++) ids.add((await server.app.inject('/plain')).headers['x-request-id'])
    expect(ids.size).toBe(20)
  })
})

describe('trustProxy', () => {
  it.each([
    [['loopback'], '203.0.113.9'],
    [[], '127.0.0.1'],
    [['10.0.0.0/8'], '127.0.0.1'],
  ])('%j sees the client at %s', async (trustProxy, ip) => {
    await using server = await probeServer(app => void app.get('/ip', request => ({ ip: request.ip })), {
      trustProxy,
    })
    const response = await server.app.inject({ url: '/ip', headers: { 'x-forwarded-for': '203.0.113.9' } })
    expect(response.json()).toEqual({ ip })
  })

  const proxies = ['loopback', '203.0.113.0/24']
  it.each([[[]], [['loopback']], [['10.0.0.0/8']], [proxies]])(
    '%j is the same past the routes',
    async trustProxy => {
      const addressOf = createClientAddress(trustProxy)
      const seen = (app: HttpServer): void =>
        void app.get('/ip', request => ({ ip: request.ip, past: addressOf(request.raw) }))
      await using server = await probeServer(seen, { trustProxy })
      const clients = [
        undefined,
        '198.51.100.7',
        '198.51.100.7, 203.0.113.9',
        'nonsense',
        '2001:db8::1, ::1',
        '',
      ]
      for (const client of clients) {
        const headers = client === undefined ? {} : { 'x-forwarded-for': client }
        const { ip, past } = (await server.app.inject({ url: '/ip', headers })).json<Record<string, string>>()
        expect(past).toBe(ip)
      }
    },
  )
})

describe('health', () => {
  it.each(['/_health', '/xrpc/_health'])('%s answers 200 when ok, else 503', async path => {
    let status: 'ok' | 'starting' | 'degraded' = 'starting'
    await using server = await probeServer(routes, { health: () => ({ status, lagMs: null, cursor: null }) })
    const starting = await server.app.inject(path)
    expect(starting.statusCode).toBe(503)
    expect(starting.json()).toEqual({ version: '1.2.3', status: 'starting', lagMs: null, cursor: null })
    expect(starting.headers).toMatchObject({ ...everyResponse, 'cache-control': 'no-store' })
    status = 'ok'
    expect((await server.app.inject(path)).statusCode).toBe(200)
    status = 'degraded'
    expect((await server.app.inject(path)).statusCode).toBe(503)
  })

  it('gives lag and cursor, and nothing that the check has besides', async () => {
    const health = { status: 'ok' as const, lagMs: 5, cursor: 1_725_911_162_329_308, password: 'x' }
    await using server = await probeServer(routes, { health: () => health })
    expect((await server.app.inject('/_health')).json()).toEqual({
      version: '1.2.3',
      status: 'ok',
      lagMs: 5,
      cursor: 1_725_911_162_329_308,
    })
  })

  it('is degraded when the check itself fails', async () => {
    await using server = await probeServer(routes, {
      health: () => {
        throw new Error(inner)
      },
    })
    const response = await server.app.inject('/_health')
    expect(response.statusCode).toBe(503)
    expect(response.json()).toEqual({ version: '1.2.3', status: 'degraded', lagMs: null, cursor: null })
    expect(server.lines).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'the health check failed' }),
    )
  })
})

describe('request metrics', () => {
  it('go by route template, method and class of status, never by what a client makes up', async () => {
    await using server = await probeServer(routes)
    for (let i = 0; i < 50; i++) {
      await server.app.inject(`/profile/did:plc:${i}`)
      await server.app.inject(`/nowhere/${i}`)
      await server.app.inject(`/xrpc/app.example.unknown${i}`)
      await server.app.inject(`/files/${i}?q=${i}`)
    }
    await server.app.inject({ method: 'POST', url: '/plain' })
    await server.app.inject({ method: 'OPTIONS', url: '/nowhere' })
    await server.app.inject('/throws/unknown')
    const text = await server.metrics.registry.metrics()
    const counts = text.split('\n').filter(line => line.startsWith('http_request_duration_seconds_count'))
    expect(counts.map(line => line.replace('http_request_duration_seconds_count', ''))).toEqual([
      '{route="/profile/:did",method="GET",status="2xx"} 50',
      '{route="unmatched",method="GET",status="4xx"} 50',
      '{route="unmatched",method="GET",status="5xx"} 50',
      '{route="/files/*",method="GET",status="2xx"} 50',
      '{route="unmatched",method="POST",status="4xx"} 1',
      '{route="*",method="OPTIONS",status="2xx"} 1',
      '{route="/throws/unknown",method="GET",status="5xx"} 1',
    ])
  })
})
