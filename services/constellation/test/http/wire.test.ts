import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpoints } from '../../src/routes/all.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { put, startMs, subject } from '../../src/store/testing/test-index.ts'
import { browserAccept, serve, type Served } from './served.ts'

const count = '/xrpc/blue.microcosm.links.getBacklinksCount'
const asked = { subject, source: 'app.bsky.feed.like:subject.uri' }
const corsVary = 'origin, access-control-request-method, access-control-request-headers'

let served: Served
beforeAll(async () => {
  served = await serve({ didWebDomain: 'links.example', now: () => startMs + 1_000 + 3.5 * 24 * 3600 * 1000 })
  await served.apply(put('a1'), put('b1'))
})
afterAll(() => served[Symbol.asyncDispose]())

const typeOf = (response: Response): string | null => response.headers.get('content-type')

describe('content', () => {
  const json = 'application/json'
  const html = 'text/html; charset=utf-8'
  it.each([
    ['*/*', json],
    ['application/*', json],
    ['application/json', json],
    [browserAccept, html],
    ['text/html', html],
    ['text/*', html],
    ['application/json, text/html', json],
    ['text/html, application/json', html],
    ['text/html;q=0.5, application/json;q=0.9', json],
    ['text/html;q=0', json],
    ['text/html;level=1', json],
    ['image/png', json],
    ['', json],
  ])('for %s is %s', async (accept, type) => {
    for (const [path, params] of [
      [count, asked],
      ['/links/all', { target: subject }],
      ['/', {}],
    ] as const) {
      const response = await served.fetch(path, params, { headers: { accept } })
      expect(response.status).toBe(200)
      expect(typeOf(response)).toBe(type)
      expect(response.headers.get('vary')).toBe(`${corsVary}, accept`)
      const body = await response.text()
      expect(body).toMatch(type === json ? /^\{[^]*\}$/ : /^<!doctype html>[^]*<\/html>\s*$/)
    }
  })

  it('is JSON without an Accept header, and goes by the first of several', async () => {
    for (const headers of [{}, { accept: ['application/json', 'text/html'] }]) {
      const sent = request(served.url, { headers }).end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      expect(response.headers['content-type']).toBe(json)
      JSON.parse(await text(response))
    }
  })

  it('is refused where the header cannot be read, before the query is looked at', async () => {
    const headers = { accept: 'foo' }
    expect(await served.refused(count, {}, { headers })).toEqual({
      status: 400,
      message: 'InvalidRequest: The Accept header cannot be read: foo',
    })
    const older = await served.fetch('/links', {}, { headers })
    expect([older.status, typeOf(older), await older.text()]).toEqual([
      400,
      'text/plain; charset=utf-8',
      'The Accept header cannot be read: foo',
    ])
  })

  it('is never a page where something is wrong', async () => {
    for (const { path, errors } of endpoints) {
      const response = await served.fetch(path, {}, { headers: { accept: browserAccept } })
      expect(response.status).toBe(400)
      expect(typeOf(response)).toBe(errors === 'json' ? json : 'text/plain; charset=utf-8')
    }
  })
})

describe('CORS', () => {
  it.each(['/', '/links', '/nowhere', '/xrpc/x.y.z', '/links/counts', '/robots.txt', '/_health'])(
    'lets any OPTIONS request to %s pass',
    async path => {
      for (const headers of [
        {},
        {
          origin: 'https://app.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      ]) {
        const response = await served.fetch(
          path,
          {},
          { method: 'OPTIONS', headers: headers as Record<string, string> },
        )
        expect(response.status).toBe(200)
        expect(await response.text()).toBe('')
        expect(Object.fromEntries(response.headers)).toMatchObject({
          'access-control-allow-origin': '*',
          'access-control-allow-methods': '*',
          'access-control-allow-headers': '*',
          vary: corsVary,
        })
        expect(response.headers.has('access-control-max-age')).toBe(false)
        expect(response.headers.has('access-control-allow-credentials')).toBe(false)
      }
    },
  )

  it('is on every response', async () => {
    for (const [path, init, status] of [
      [`${count}?subject=a:b&source=a.b.c:d`, {}, 200],
      ['/links', {}, 400],
      [count, {}, 400],
      ['/nowhere', {}, 404],
      ['/links/', {}, 404],
      ['/xrpc/blue.microcosm.links.unknown', {}, 501],
      ['/links', { method: 'DELETE' }, 405],
    ] as const) {
      const response = await fetch(served.url + path, init)
      expect(response.status).toBe(status)
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-expose-headers')).toBe('*')
      expect(response.headers.get('vary')).toContain(corsVary)
    }
  })
})

describe('methods', () => {
  it('are GET and HEAD, which answers the same without a body', async () => {
    for (const path of [
      ...endpoints.map(endpoint => endpoint.path),
      '/',
      '/robots.txt',
      '/.well-known/did.json',
      '/openapi',
    ]) {
      const params = {
        ...asked,
        target: subject,
        collection: 'app.bsky.feed.like',
        path: '.subject.uri',
        pathToOther: 'x',
        did: 'did:plc:a',
        uri: 'at://did:plc:a/a.b.c/d',
      }
      const get = await served.fetch(path, params)
      const head = await served.fetch(path, params, { method: 'HEAD' })
      expect([path, get.status, head.status]).toEqual([path, 200, 200])
      expect(await head.text()).toBe('')
      for (const name of ['content-type', 'content-length', 'etag', 'cache-control', 'vary']) {
        expect(head.headers.get(name)).toBe(get.headers.get(name))
      }
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const refused = await served.fetch(path, {}, { method })
        expect([path, refused.status, refused.headers.get('allow')]).toEqual([
          path,
          405,
          'GET, HEAD, OPTIONS',
        ])
        expect(await refused.json()).toMatchObject({ error: 'MethodNotAllowed' })
      }
    }
  })
})

describe('caching', () => {
  it('is short, and by tag', async () => {
    const first = await served.fetch(count, asked)
    expect(first.headers.get('cache-control')).toBe('public, max-age=5')
    const tag = first.headers.get('etag')!
    expect(tag).toMatch(/^"[\w-]+"$/)
    for (const header of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const same = await served.fetch(count, asked, { headers: { 'if-none-match': header } })
      expect(same.status).toBe(304)
      expect(await same.text()).toBe('')
      expect(same.headers.get('etag')).toBe(tag)
      expect(same.headers.get('vary')).toBe(`${corsVary}, accept`)
      expect(same.headers.get('access-control-allow-origin')).toBe('*')
    }
    for (const header of ['"other"', tag.slice(1, -1), '']) {
      expect((await served.fetch(count, asked, { headers: { 'if-none-match': header } })).status).toBe(200)
    }
    const page = await served.fetch(count, asked, {
      headers: { accept: browserAccept, 'if-none-match': tag },
    })
    expect(page.status).toBe(200)
    expect(page.headers.get('etag')).not.toBe(tag)
  })

  it('ends when the answer changes', async () => {
    await using own = await serve()
    const before = (await own.fetch(count, asked)).headers.get('etag')!
    await own.apply(put('a1'))
    const after = await own.fetch(count, asked, { headers: { 'if-none-match': before } })
    expect([after.status, await after.json()]).toEqual([200, { total: 1 }])
  })
})

describe('other routes', () => {
  it('/ tells what is in the index', async () => {
    expect(await served.json('/')).toStrictEqual({
      help: expect.any(String) as string,
      days_indexed: 3,
      stats: {
        dids: 2,
        targetables: 1,
        linking_records: 2,
        started_at: (startMs + 1_000) * 1000,
        other_data: { links: 2 },
      },
      gaps: [],
    })
  })

  it('/ tells of an empty index, of a clock that was set back, and of gaps', async () => {
    const gaps = [
      { source: 'wss://relay.example', from: '', to: '2026-01-01T00:00:00Z', reason: 'new_source' as const },
    ]
    await using own = await serve({ now: () => 0, gaps: () => gaps })
    expect(await own.json('/')).toMatchObject({ days_indexed: null, stats: { started_at: null }, gaps })
    await own.apply(put('a1'))
    expect(await own.json('/')).toMatchObject({ days_indexed: 0 })
  })

  it('/robots.txt keeps robots from what is without end', async () => {
    const response = await served.fetch('/robots.txt', {}, { headers: { accept: 'foo' } })
    expect(typeOf(response)).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe(
      'User-agent: *\nDisallow: /links\nDisallow: /links/\nDisallow: /xrpc/\n',
    )
  })

  it('/.well-known/did.json is the document of the domain, where there is one', async () => {
    expect(await served.json('/.well-known/did.json')).toStrictEqual({
      id: 'did:web:links.example',
      service: [
        { id: '#constellation', type: 'ConstellationGraphService', serviceEndpoint: 'https://links.example' },
      ],
    })
    await using own = await serve()
    expect(await own.refused('/.well-known/did.json')).toMatchObject({ status: 404 })
  })

  it('/openapi describes every endpoint', async () => {
    const { paths } = await served.json<{ paths: Record<string, object> }>('/openapi')
    expect(Object.keys(paths).toSorted()).toEqual(
      [...endpoints.map(({ path }) => path), '/links/counts'].toSorted(),
    )
  })
})

describe('a store that fails', () => {
  it('is a 500 that tells nothing but the log everything', async () => {
    const { reader } = createMemoryStore()
    const fail = async (): Promise<never> => Promise.reject(new Error('the disk is gone'))
    const failing = Object.fromEntries(Object.keys(reader).map(name => [name, fail])) as never
    await using own = await serve({ reader: failing })
    for (const path of [count, '/links/count']) {
      const params = { ...asked, target: subject, collection: 'a.b.c', path: '.d' }
      expect(await own.refused(path, params)).toEqual({
        status: 500,
        message: 'InternalServerError: Internal Server Error',
      })
    }
    expect(JSON.stringify(own.errors)).toContain('the disk is gone')
  })
})
