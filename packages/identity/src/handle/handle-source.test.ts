import { connect } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { startDns, type TestDns } from '../../test/util/dns-server.ts'
import { errorOf } from '../../test/util/error-of.ts'
import { startSecureServer, type Handler, type TestServer } from '../../test/util/servers.ts'
import { createGuardedFetch, type GuardedFetch } from '../http/guarded-fetch.ts'
import { createHandleSource, type HandleSource } from './handle-source.ts'
import { createDnsTxtLookup } from './txt.ts'

const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const other = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'
const never = new AbortController().signal
const address = '93.184.216.34'
const names = [
  'alice.com',
  'www.alice.com',
  `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(58)}.com`,
]
const trusted = getCACertificates('default')

let dns: TestDns
let web: TestServer & { cert: string }
let answer: Handler
let fetch: GuardedFetch
let source: HandleSource

beforeAll(async () => {
  dns = await startDns()
  web = await startSecureServer(names, (request, response) => answer(request, response))
  setDefaultCACertificates([...trusted, web.cert])
  fetch = createGuardedFetch({
    lookup: async name => {
      if (names.includes(name)) return [address]
      if (name === 'private.com') return ['10.0.0.1']
      throw Object.assign(new Error(name), { code: 'ENOTFOUND' })
    },
    dial: () => connect(web.port, '127.0.0.1'),
  })
  const txt = createDnsTxtLookup({ servers: [dns.address], timeoutMs: 500 })
  source = createHandleSource({ txt, fetch, timeoutMs: 4_000 })
})
afterAll(async () => {
  setDefaultCACertificates(trusted)
  await fetch[Symbol.asyncDispose]()
  await web[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
})
beforeEach(() => {
  dns.names.clear()
  web.paths.length = 0
  answer = text(did)
})

const text = (body: string, status = 200, headers: Record<string, string> = {}): Handler => {
  return (_request, response) => response.writeHead(status, headers).end(body)
}
const hangUp: Handler = request => request.socket.destroy()
const silence: Handler = () => {}
const ask = (handle = 'alice.com'): Promise<string> => source(handle, never)

describe('DNS', () => {
  it('comes first, and is enough', async () => {
    dns.names.set('_atproto.alice.com', ['v=spf1 -all', `did=${other}`])
    expect(await ask()).toBe(other)
    expect(web.paths).toEqual([])
  })

  it('may name a DID twice, but not two', async () => {
    dns.names.set('_atproto.alice.com', [`did=${other}`, `did=${other}`])
    expect(await ask()).toBe(other)
    dns.names.set('_atproto.alice.com', [`did=${other}`, `did=${did}`])
    expect(await errorOf(ask())).toMatchObject({
      code: 'handle_not_found',
      message: expect.stringContaining('several'),
    })
    expect(web.paths).toEqual([])
  })

  it.each([
    ['nothing', undefined],
    ['other records', ['google-site-verification=x', 'DID=did:plc:x']],
    ['what is no DID', ['did=alice', 'did=']],
    ['a failure', 'SERVFAIL' as const],
    ['silence', 'silence' as const],
  ])('with %s leaves it to HTTPS', async (_what, reply) => {
    if (reply) dns.names.set('_atproto.alice.com', reply)
    expect(await ask()).toBe(did)
    expect(web.paths).toEqual(['/.well-known/atproto-did'])
  })

  it('is not asked for names that do not fit', async () => {
    const asked = dns.asked.length
    expect(await ask(names[2])).toBe(did)
    expect(dns.asked.length).toBe(asked)
  })
})

describe('HTTPS', () => {
  it('may have blanks around the DID, and redirect', async () => {
    answer = text(` \n${did}\r\n`)
    expect(await ask()).toBe(did)
    answer = (request, response) =>
      request.headers.host === 'alice.com'
        ? response.writeHead(302, { location: 'https://www.alice.com/elsewhere' }).end()
        : response.end(other)
    expect(await ask()).toBe(other)
  })

  it.each([
    ['a page', text('<!doctype html><title>hi</title>')],
    ['a page that names a DID', text(`<p>${did}</p>`)],
    ['nothing there', text('', 404)],
    ['not allowed', text('', 403)],
    ['something large', text('x'.repeat(100_000))],
    ['a redirect without end', text('', 302, { location: '/again' })],
    ['a redirect to the inside', text('', 302, { location: 'https://private.com/' })],
  ])('with %s means that there is none', async (_what, handler) => {
    answer = handler
    expect((await errorOf(ask())).code).toBe('handle_not_found')
  })

  it('without such a host, or on a private one, means that there is none', async () => {
    expect((await errorOf(ask('nobody.com'))).code).toBe('handle_not_found')
    expect((await errorOf(ask('private.com'))).code).toBe('handle_not_found')
    expect(web.paths).toEqual([])
  })

  it.each([
    ['a failing host', text('', 503)],
    ['one that wants to be left alone', text('', 429)],
    ['one that hangs up', hangUp],
    ['one that says nothing', silence],
  ])('%s cannot tell, which passes', async (_what, handler) => {
    answer = handler
    expect((await errorOf(ask())).retryable).toBe(true)
  })

  it('a 404 is not the last word while DNS could not be asked', async () => {
    dns.names.set('_atproto.alice.com', 'SERVFAIL')
    answer = text('', 404)
    expect(await errorOf(ask())).toMatchObject({ code: 'network', retryable: true })
  })
})
