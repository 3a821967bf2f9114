import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpoints } from '../src/routes/all.ts'
import { note, recordPath, startWorld, type TestAccount, type World } from './world.ts'

// How requests and answers look, whatever is in the cache.

let world: World
let alice: TestAccount
beforeAll(async () => {
  world = await startWorld({ 'did-web-domain': 'cache.example.org' })
  alice = world.account('alice')
  alice.write('x', 'hello')
  await world.settled()
}, 30_000)
afterAll(() => world[Symbol.asyncDispose]())

const byUri = '/xrpc/blue.microcosm.repo.getRecordByUri'
const invalid = { status: 400, body: { error: 'InvalidRequest', message: expect.any(String) } }

describe('parameters', () => {
  const gets = endpoints.filter(({ method }) => method === 'GET')
  const missing = gets.flatMap(({ paths, params }) =>
    paths.flatMap(path =>
      params.filter(param => param.required).map(param => [path, param.name, params] as const),
    ),
  )

  it.each(missing)('%s without %s is a 400 that names it', async (path, name, params) => {
    const others = params.filter(param => param.required && param.name !== name)
    const query = Object.fromEntries(others.map(param => [param.name, param.example!]))
    const { status, body } = await world.slingshot.ask(path, query)
    expect(status).toBe(400)
    expect(body).toEqual({ error: 'InvalidRequest', message: expect.stringContaining(`"${name}"`) })
  })

  it.each(missing)('%s with an empty %s is a 400', async (path, name, params) => {
    const query = Object.fromEntries(
      params
        .filter(param => param.required)
        .map(param => [param.name, param.name === name ? '' : param.example!]),
    )
    expect(await world.slingshot.ask(path, query)).toEqual(invalid)
  })

  it.each(endpoints.filter(({ method }) => method === 'POST').flatMap(({ paths }) => paths))(
    '%s without a body, or with another, is a 400',
    async path => {
      for (const body of [{}, [], 'x', null, { uris: [1], identifier: 2, xrpc: 3 }]) {
        expect(await world.slingshot.post(path, body)).toEqual(invalid)
      }
    },
  )

  it('that are unknown are ignored; of repeated ones the first counts', async () => {
    const query = `repo=${alice.did}&repo=x&collection=${note}&rkey=x&rkey=y&unknown=1`
    expect((await world.slingshot.fetch(`${recordPath}?${query}`)).status).toBe(200)
  })

  it.each([
    [{ repo: 'not a repo' }, 'Repo was not a valid DID or handle'],
    [{ repo: 'did:PLC:x' }, 'Repo was not a valid DID or handle'],
    [{ collection: 'nope' }, 'Invalid NSID for collection'],
    [{ rkey: '..' }, 'Invalid rkey'],
    [{ rkey: 'a/b' }, 'Invalid rkey'],
    [{ rkey: 'x'.repeat(513) }, 'Invalid rkey'],
    [{ cid: 'nope' }, 'Invalid CID'],
    [{ repo: 'nobody.test' }, 'Could not resolve handle repo to a DID'],
    [{ repo: 'alice.invalid' }, 'Could not resolve handle repo to a DID'],
  ])('%j is refused', async (change, message) => {
    const query = { repo: alice.did, collection: note, rkey: 'x', ...change }
    expect(await world.slingshot.ask(recordPath, query as Record<string, string>)).toEqual({
      status: 400,
      body: { error: 'InvalidRequest', message },
    })
  })
})

describe('AT-URIs', () => {
  const ask = (at_uri: string) => world.slingshot.ask(byUri, { at_uri })

  it.each<[string, (uri: string) => string]>([
    ['as it is', uri => uri],
    ['with the scheme in capitals', uri => uri.replace('at:', 'AT:')],
    ['with a slash at the end', uri => `${uri}/`],
    ['with a query', uri => `${uri}?x=1`],
    ['with needless escapes', uri => `${uri.slice(0, -1)}%78`],
    ['with dot segments', uri => uri.replace(`/${note}/`, `/x/../${note}/./`)],
    ['with a handle in capitals', uri => uri.replace(alice.did, 'ALICE.test')],
  ])('%s are found', async (_what, change) => {
    const { status, body } = await ask(change(alice.uri('x')))
    expect([status, body.uri]).toEqual([200, alice.uri('x')])
  })

  it.each<[string, (uri: string) => string, string]>([
    ['a fragment', uri => `${uri}#f`, 'Invalid rkey'],
    ['another segment', uri => `${uri}/y`, 'Invalid rkey'],
    ['an escape that is needed', uri => `${uri}%2f`, 'Invalid rkey'],
    ['two slashes before the key', uri => uri.replace(/\/x$/, '//x'), 'Invalid rkey'],
    ['two slashes before the collection', uri => uri.replace(`/${note}`, `//${note}`), 'Invalid NSID'],
    ['half an escape', uri => `${uri}%zz`, 'at-uri'],
    ['another half', uri => `${uri}%6`, 'at-uri'],
    ['other letters', uri => `${uri}é`, 'at-uri'],
    ['another scheme', uri => uri.replace('at:', 'https:'), 'at-uri'],
    ['no key', uri => uri.replace(/\/x$/, ''), 'at-uri'],
    ['no collection', () => `at://${alice.did}`, 'at-uri'],
    ['no authority', () => `at:///${note}/x`, 'at-uri'],
    ['too much', uri => uri.padEnd(8_193, 'x'), 'at-uri'],
  ])('with %s are not', async (_what, change, message) => {
    expect(await ask(change(alice.uri('x')))).toEqual({
      status: 400,
      body: { error: 'InvalidRequest', message: expect.stringContaining(message) },
    })
  })
})

it.each(endpoints.filter(({ paths }) => paths.length > 1).map(({ paths }) => paths))(
  '%s and %s answer byte for byte the same',
  async (path, other) => {
    for (const query of [
      { at_uri: alice.uri('x'), identifier: alice.did },
      { at_uri: 'x', identifier: 'x' },
    ]) {
      const one = await world.slingshot.fetch(path, query)
      const two = await world.slingshot.fetch(other, query)
      expect(two.status).toBe(one.status)
      expect(await two.text()).toBe(await one.text())
    }
  },
)

describe('HTTP', () => {
  it('unknown methods, paths and verbs are errors in JSON', async () => {
    expect(await world.slingshot.ask('/xrpc/com.example.nope')).toMatchObject({
      status: 501,
      body: { error: 'MethodNotImplemented' },
    })
    expect(await world.slingshot.ask('/nope')).toMatchObject({ status: 404, body: { error: 'NotFound' } })
    expect(await world.slingshot.post(recordPath, {})).toMatchObject({ status: 405 })
  })

  it('HEAD is a GET without a body', async () => {
    const query = { repo: alice.did, collection: note, rkey: 'x' }
    const response = await world.slingshot.fetch(recordPath, query, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it.each([recordPath, '/nope', '/records', '/xrpc/com.example.nope'])(
    '%s may be read from any origin',
    async path => {
      const headers = { origin: 'https://app.example' }
      const response = await world.slingshot.fetch(path, {}, { headers })
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      const preflight = await world.slingshot.fetch(
        path,
        {},
        {
          method: 'OPTIONS',
          headers: {
            ...headers,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'content-type',
          },
        },
      )
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-methods')).toMatch(/GET.*POST/)
      expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type')
    },
  )

  it('an Authorization header is not looked at', async () => {
    const query = { repo: alice.did, collection: note, rkey: 'x' }
    const headers = { authorization: 'Bearer junk' }
    expect((await world.slingshot.fetch(recordPath, query, { headers })).status).toBe(200)
  })

  it('serves the document of its DID where it has a domain', async () => {
    const response = await world.slingshot.fetch('/.well-known/did.json')
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await response.json()).toEqual({
      '@context': ['https://www.w3.org/ns/did/v1'],
      id: 'did:web:cache.example.org',
      service: [
        { id: '#slingshot', type: 'SlingshotRecordProxy', serviceEndpoint: 'https://cache.example.org' },
      ],
    })
  })

  it('serves none where it has no domain', async () => {
    await using other = await startWorld()
    expect((await other.slingshot.ask('/.well-known/did.json')).status).toBe(404)
  })

  it('has a page that needs nothing from elsewhere, and an OpenAPI document', async () => {
    const page = await world.slingshot.fetch('/')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const text = await page.text()
    expect(text).not.toMatch(/<script|<link|src="http|url\(http/)
    const { body } = await world.slingshot.ask('/openapi')
    expect(body.openapi).toBe('3.1.0')
    for (const path of endpoints.flatMap(({ paths }) => paths)) {
      expect(body.paths).toHaveProperty([path])
      expect(text.replaceAll('<wbr />', '')).toContain(path)
    }
  })

  it('tells its health, and serves metrics by route and not by path', async () => {
    expect((await world.slingshot.ask('/_health')).body).toMatchObject({
      status: 'ok',
      lagMs: expect.any(Number),
    })
    await world.slingshot.fetch('/made/up/path')
    const metrics = await (await fetch(`${world.slingshot.service.metricsUrl}/metrics`)).text()
    expect(metrics).toContain(`route="${recordPath}"`)
    expect(metrics).not.toContain('made/up')
    expect(metrics).toContain('slingshot_hits_total')
  })
})
