import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { probeServer } from '../../test/probe-server.ts'
import type { HttpServer } from './create-http.ts'
import { invalidRequest } from './errors.ts'
import { addFast, type FastAnswer } from './fast-lane.ts'
import { listen } from './listen.ts'

const json = (body: string): FastAnswer => ({
  statusCode: 200,
  headers: ['content-type', 'application/json; charset=utf-8'],
  body,
})

/** A path that says which way its answer went. */
function routes(app: HttpServer): void {
  app.get('/both', (request, reply) =>
    reply.type('application/json').send(JSON.stringify({ way: 'route', query: request.query })),
  )
  app.post('/both', () => 'posted')
  addFast(app, '/both', (_request, query) => {
    const { way } = query
    if (way === 'route') return undefined
    if (way === 'throw') throw new Error('inner')
    if (way === 'reject') return Promise.reject(invalidRequest('no'))
    if (way === 'later') return Promise.resolve(json('{"way":"later"}'))
    if (way === '304') return { statusCode: 304, headers: ['etag', '"x"'], body: '' }
    return json(JSON.stringify({ way: 'fast', query }))
  })
}

async function serve(add: (app: HttpServer) => void = routes, level: 'debug' | 'info' = 'info') {
  const server = await probeServer(add, { level })
  const { host, port } = await listen(server.app, { host: '127.0.0.1', port: 0 })
  const wayOf = async (path: string, init?: RequestInit): Promise<string> => {
    const response = await fetch(`http://${host}:${port}${path}`, init)
    return `${response.status} ${await response.text()}`
  }
  return Object.assign(server, { url: `http://${host}:${port}`, wayOf })
}

describe('the fast lane', () => {
  it('answers with the query, at once or later', async () => {
    await using server = await serve()
    expect(await server.wayOf('/both?a=1&a=%C3%A9')).toBe('200 {"way":"fast","query":{"a":["1","é"]}}')
    expect(await server.wayOf('/both')).toBe('200 {"way":"fast","query":{}}')
    expect(await server.wayOf('/both?way=later')).toBe('200 {"way":"later"}')
  })

  it.each(['route', 'throw', 'reject'])('leaves to the route what it does not answer: %s', async way => {
    await using server = await serve()
    expect(await server.wayOf(`/both?way=${way}`)).toBe(`200 {"way":"route","query":{"way":"${way}"}}`)
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('leaves other methods, bodies and paths to the routes', async () => {
    await using server = await serve()
    expect(await server.wayOf('/both', { method: 'POST' })).toBe('200 posted')
    expect(await server.wayOf('/both', { method: 'HEAD' })).toBe('200 ')
    expect(await server.wayOf('/both/')).toMatch(/^404 /)
    expect(await server.wayOf('/Both')).toMatch(/^404 /)
  })

  it('reads a query once that has an answer, whoever asks, and each time one that has none or is long', async () => {
    const read: string[] = []
    await using server = await serve(app => {
      app.get('/read', () => 'route')
      addFast(
        app,
        '/read',
        (_request, what: string) =>
          what === 'bad' ? { ...json('"refused"'), statusCode: 400 } : json(`"${what.slice(0, 4)}"`),
        ({ what }) => {
          read.push(String(what).slice(0, 4))
          if (what === 'throw') throw invalidRequest('no')
          return typeof what === 'string' ? what : undefined
        },
      )
    })
    const ask = async (what: string): Promise<string> => server.wayOf(`/read?what=${what}`)
    expect([await ask('a'), await ask('b'), await ask('a')]).toEqual(['200 "a"', '200 "b"', '200 "a"'])
    expect(read.splice(0)).toEqual(['a', 'b'])
    for (const _ of [1, 2]) {
      expect(await ask('bad')).toBe('400 "refused"')
      expect(await ask('x'.repeat(600))).toBe('200 "xxxx"')
      expect(await ask('throw')).toBe('200 route')
      expect(await server.wayOf('/read')).toBe('200 route')
    }
    expect(read.splice(0)).toEqual([1, 2].flatMap(() => ['bad', 'xxxx', 'thro', 'unde']))
    // As many as there may be: what was read longest ago is read again, and nothing else is.
    for (let i = 0; i < 4_200; i++) await ask(`${i}`)
    read.length = 0
    for (const what of ['4199', '4199', 'a']) await ask(what)
    expect(read).toEqual(['a'])
  })

  it('leaves a GET with a body to the route, however its header is written', async () => {
    await using server = await serve()
    const { port } = new URL(server.url)
    const wayWith = (header: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(port), '127.0.0.1')
        let text = ''
        socket.on('data', chunk => (text += chunk.toString()))
        socket.on('end', () => resolve(text))
        socket.on('error', reject)
        socket.write(`GET /both HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}\r\n\r\n`)
      })
    expect(await wayWith('X-Nothing: 1')).toContain('"way":"fast"')
    expect(await wayWith('cOnTent-LENGTH: 0')).toContain('"way":"route"')
    expect(await wayWith('Transfer-Encoding: chunked\r\n\r\n0')).toContain('"way":"route"')
  })

  it('has the headers that a route has', async () => {
    await using server = await serve()
    const headersOf = async (path: string): Promise<Record<string, string>> => {
      const { headers } = await fetch(server.url + path)
      const all = Object.fromEntries(headers)
      expect(all['x-request-id']).toMatch(/^[0-9a-f]{8}-\w+$/)
      return { ...all, 'x-request-id': '', date: '', 'content-length': '' }
    }
    expect(await headersOf('/both')).toEqual(await headersOf('/both?way=route'))
    const ids = await Promise.all([1, 2, 3].map(async () => fetch(`${server.url}/both`)))
    expect(new Set(ids.map(({ headers }) => headers.get('x-request-id'))).size).toBe(3)
  })

  it('sends no body with a 304', async () => {
    await using server = await serve()
    const response = await fetch(`${server.url}/both?way=304`)
    expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([304, '', '"x"'])
    expect(response.headers.has('content-length')).toBe(false)
    // The connection goes on.
    expect(await server.wayOf('/both')).toContain('fast')
  })

  it('counts its requests with those of the route', async () => {
    await using server = await serve()
    for (const path of ['/both', '/both?way=route', '/both?way=304']) await server.wayOf(path)
    const text = await server.metrics.registry.metrics()
    const count = (status: string): string | undefined =>
      new RegExp(
        `^http_request_duration_seconds_count\\{route="/both",method="GET",status="${status}"\\} (\\d+)$`,
        'm',
      ).exec(text)?.[1]
    expect([count('2xx'), count('3xx')]).toEqual(['2', '1'])
  })

  it('is closed where every request is logged', async () => {
    await using server = await serve(routes, 'debug')
    expect(await server.wayOf('/both')).toContain('"way":"route"')
    expect(server.lines.some(({ msg }) => msg === 'request')).toBe(true)
  })

  it('is closed while the server stops, and closes its connections', async () => {
    const begun = Promise.withResolvers<void>()
    const release = Promise.withResolvers<FastAnswer>()
    await using server = await serve(app => {
      app.get('/slow', () => 'route')
      addFast(app, '/slow', () => {
        begun.resolve()
        return release.promise
      })
    })
    const waiting = fetch(`${server.url}/slow`)
    await begun.promise
    const closed = server.app.close()
    // Who comes now is told so, which shows that it has begun.
    while (server.app.server.listening) await setImmediate()
    release.resolve(json('"late"'))
    const response = await waiting
    expect([await response.text(), response.headers.get('connection')]).toEqual(['"late"', 'close'])
    await closed
  })
})
