import { connect } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { codeOf, errorOf } from '../../test/util/error-of.ts'
import { startSecureServer, startServer, type Handler, type TestServer } from '../../test/util/servers.ts'
import { createGuardedFetch, type GuardedFetchOptions } from './guarded-fetch.ts'

/**
 * Two servers on loopback stand for the Internet and for the inside. Names resolve as `dns` says; `dial` notes which
 * addresses would be connected to, and brings those of the Internet, port 443, to the first server and all others to the
 * second. So a hole in the guard ends in an answer from the inside, not in an error that looks like a refusal.
 */
const publicAddress = '93.184.216.34'
const dns: Record<string, readonly string[]> = {
  'public.test': [publicAddress],
  'inside.test': ['10.1.2.3'],
  'metadata.test': ['169.254.169.254'],
  'mixed.test': ['192.168.0.1', publicAddress, '::1'],
  'none.test': [],
}
const innerHosts = [
  'inside.test',
  'metadata.test',
  '127.0.0.1',
  '10.0.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '::1',
]

let outside: TestServer & { cert: string }
let inside: TestServer & { cert: string }
let plain: TestServer
const trusted = getCACertificates('default')

beforeAll(async () => {
  outside = await startSecureServer(['public.test', 'mixed.test', 'rebind.test'], internet)
  inside = await startSecureServer(innerHosts, (_request, response) => response.end('secret'))
  plain = await startServer(internet)
  setDefaultCACertificates([...trusted, outside.cert, inside.cert])
})

afterAll(async () => {
  setDefaultCACertificates(trusted)
  await Promise.all([outside, inside, plain].map(server => server[Symbol.asyncDispose]()))
})

function setUp(options: GuardedFetchOptions = {}) {
  const dialled: string[] = []
  const client = createGuardedFetch({
    timeoutMs: 5_000,
    lookup: async hostname => {
      const addresses = dns[hostname]
      if (!addresses) throw Object.assign(new Error(`no ${hostname}`), { code: 'ENOTFOUND' })
      return addresses
    },
    dial: (addresses, port) => {
      dialled.push(`${addresses.join(',')}:${port}`)
      const server = addresses[0] === publicAddress && port === 443 ? outside : inside
      return connect(server.port, '127.0.0.1')
    },
    ...options,
  })
  return { client, dialled, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('what is refused', () => {
  it.each([
    ['a literal address of loopback', 'https://127.0.0.1/', 'blocked_address'],
    ['the metadata service', 'https://169.254.169.254/latest/meta-data/', 'blocked_address'],
    ['loopback in IPv6', 'https://[::1]/', 'blocked_address'],
    ['a private network', 'https://10.0.0.1/', 'blocked_address'],
    ['carrier-grade NAT', 'https://100.64.0.1/', 'blocked_address'],
    ['a decimal address', 'https://2130706433/', 'blocked_address'],
    ['a hexadecimal address', 'https://0x7f.0.0.1/', 'blocked_address'],
    ['an octal address', 'https://0177.1/', 'blocked_address'],
    ['a name of the private network', 'https://inside.test/', 'blocked_address'],
    ['a name of the metadata service', 'https://metadata.test/', 'blocked_address'],
  ])('%s', async (_what, url, code) => {
    await using guarded = setUp()
    expect(await codeOf(guarded.client.get(url))).toBe(code)
    expect(guarded.dialled).toEqual([])
    expect(guarded.client.stats()).toMatchObject({ refused: 1, activeHosts: 0 })
    // The same with private hosts allowed reaches the inside: it is the guard that refused.
    await using open = setUp({ allowPrivateHosts: true })
    expect(text((await open.client.get(url)).bytes)).toBe('secret')
  })

  it.each([
    ['a mapped address', 'https://[::ffff:10.0.0.1]/'],
    ['a mapped address in hexadecimal', 'https://[::ffff:a00:1]/'],
    ['NAT64 of a private address', 'https://[64:ff9b::10.0.0.1]/'],
    ['6to4', 'https://[2002:a00:1::]/'],
    ['the unspecified address', 'https://0.0.0.0/'],
    ['a single number', 'https://0/'],
  ])('%s', async (_what, url) => {
    await using guarded = setUp()
    expect(await codeOf(guarded.client.get(url))).toBe('blocked_address')
    expect(guarded.dialled).toEqual([])
  })

  it('http, a PDS on loopback foremost', async () => {
    await using guarded = setUp({ dial: undefined })
    expect(await codeOf(guarded.client.get(`${plain.url}/ok`))).toBe('blocked_url')
    expect(await codeOf(guarded.client.get('http://public.test/ok'))).toBe('blocked_url')
    await using open = setUp({ allowPrivateHosts: true, dial: undefined })
    expect(text((await open.client.get(`${plain.url}/ok`)).bytes)).toBe('fine')
  })

  it('another port than 443', async () => {
    await using guarded = setUp()
    expect(await codeOf(guarded.client.get(`https://public.test:${outside.port}/ok`))).toBe('blocked_url')
    await using open = setUp({ allowPrivateHosts: true, dial: undefined, lookup: async () => ['127.0.0.1'] })
    expect(text((await open.client.get(`https://public.test:${outside.port}/ok`)).bytes)).toBe('fine')
  })

  it('credentials in the URL, always', async () => {
    await using guarded = setUp()
    expect(await codeOf(guarded.client.get('https://user:pw@public.test/ok'))).toBe('blocked_url')
    await using open = setUp({ allowPrivateHosts: true })
    expect(await codeOf(open.client.get('https://user:pw@public.test/ok'))).toBe('blocked_url')
    expect(text((await guarded.client.get('https://public.test/ok')).bytes)).toBe('fine')
  })

  it('a name that changes its address after the check', async () => {
    const answers = [[publicAddress], ['10.1.2.3']]
    let lookups = 0
    await using guarded = setUp({ lookup: async () => answers[lookups++] ?? [] })
    // One look-up, one check, one connection, all of the same address.
    const response = await guarded.client.get('https://rebind.test/close')
    expect(text(response.bytes)).toBe('fine')
    expect(lookups).toBe(1)
    expect(guarded.dialled).toEqual([`${publicAddress}:443`])
    // The server closed that connection; the next one is checked anew.
    expect(await codeOf(guarded.client.get('https://rebind.test/close'))).toBe('blocked_address')
    expect(lookups).toBe(2)
    expect(guarded.dialled).toHaveLength(1)
  })

  it('the private ones among the addresses of a name', async () => {
    await using guarded = setUp()
    expect(text((await guarded.client.get('https://mixed.test/ok')).bytes)).toBe('fine')
    expect(guarded.dialled).toEqual([`${publicAddress}:443`])
  })

  it('a certificate of another host', async () => {
    dns['impostor.test'] = [publicAddress]
    await using guarded = setUp()
    expect(await codeOf(guarded.client.get('https://impostor.test/ok'))).toBe('network')
  })
})

describe('redirects', () => {
  it.each([
    ['a private address', 'https://10.0.0.1/', 'blocked_address'],
    ['a name of the private network', 'https://inside.test/', 'blocked_address'],
    ['http', 'http://127.0.0.1/', 'blocked_url'],
    ['a file', 'file:///etc/passwd', 'blocked_url'],
    ['another port', 'https://public.test:8443/', 'blocked_url'],
    ['credentials', 'https://user:pw@public.test/', 'blocked_url'],
    ['nonsense', 'https://[', 'blocked_url'],
  ])('to %s are refused', async (_what, target, code) => {
    await using guarded = setUp()
    const url = `https://public.test/redirect?to=${encodeURIComponent(target)}`
    const before = inside.paths.length
    expect(await codeOf(guarded.client.get(url))).toBe(code)
    expect(guarded.dialled).toEqual([`${publicAddress}:443`])
    expect(inside.paths).toHaveLength(before)
  })

  it('to the inside are followed where that is allowed', async () => {
    await using open = setUp({ allowPrivateHosts: true })
    const response = await open.client.get('https://public.test/redirect?to=https://10.0.0.1/')
    expect(text(response.bytes)).toBe('secret')
    expect(response.url).toBe('https://10.0.0.1/')
  })

  it('are followed, relative ones too, a limited number of times', async () => {
    await using guarded = setUp({ maxRedirects: 2 })
    const response = await guarded.client.get('https://public.test/redirect?to=/redirect%3Fto%3D/ok')
    expect(response).toMatchObject({ status: 200, url: 'https://public.test/ok' })
    const error = await errorOf(guarded.client.get('https://public.test/loop'))
    expect(error).toMatchObject({ code: 'redirect', retryable: false })
  })

  it('are an error where none is allowed', async () => {
    await using guarded = setUp({ maxRedirects: 0 })
    expect(await codeOf(guarded.client.get('https://public.test/redirect?to=/ok'))).toBe('redirect')
  })

  it('share one deadline', async () => {
    await using guarded = setUp({ timeoutMs: 250, maxRedirects: 50 })
    expect(await codeOf(guarded.client.get('https://public.test/slow-loop'))).toBe('timeout')
  })
})

describe('limits', () => {
  it('end a body that is too large, whatever its header said', async () => {
    await using guarded = setUp({ maxBytes: 100_000 })
    sentOfLarge = 0
    expect(await codeOf(guarded.client.get('https://public.test/large'))).toBe('too_large')
    // Socket buffers hold some; nothing like the whole was taken.
    expect(sentOfLarge).toBeLessThan(20_000_000)
    expect((await guarded.client.get('https://public.test/ok', { maxBytes: 4 })).bytes).toHaveLength(4)
    expect(await codeOf(guarded.client.get('https://public.test/ok', { maxBytes: 3 }))).toBe('too_large')
  })

  it('read the same body where it is allowed', async () => {
    await using guarded = setUp({ maxBytes: 60_000_000 })
    expect((await guarded.client.get('https://public.test/large')).bytes).toHaveLength(largeBytes)
  })

  it('count what a compressed body becomes', async () => {
    await using guarded = setUp({ maxBytes: 1_000_000 })
    expect(await codeOf(guarded.client.get('https://public.test/bomb'))).toBe('too_large')
    const small = await guarded.client.get('https://public.test/gzip')
    expect(text(small.bytes)).toBe('compressed')
  })

  it('end a body that trickles', async () => {
    await using guarded = setUp({ timeoutMs: 300 })
    const started = performance.now()
    expect(await codeOf(guarded.client.get('https://public.test/trickle'))).toBe('timeout')
    expect(performance.now() - started).toBeLessThan(2_000)
    const patient = await guarded.client.get('https://public.test/trickle', { timeoutMs: 20_000 })
    expect(patient.bytes).toHaveLength(20)
  })

  it('end the wait for a header', async () => {
    await using guarded = setUp()
    const error = await errorOf(guarded.client.get('https://public.test/silent', { timeoutMs: 100 }))
    expect(error).toMatchObject({ code: 'timeout', retryable: true, url: 'https://public.test/silent' })
  })

  it('end a header that is too large', async () => {
    await using guarded = setUp()
    expect(await codeOf(guarded.client.get('https://public.test/header'))).toBe('too_large')
  })

  it('hold for one host: some at a time, some in the queue, the rest refused', async () => {
    await using guarded = setUp({ perHostConcurrency: 2, maxWaitingPerHost: 3 })
    mostHeld = 0
    const asked = Array.from({ length: 8 }, () =>
      guarded.client.get('https://public.test/held').then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    )
    const ends = await Promise.all(asked)
    expect(mostHeld).toBe(2)
    expect(ends.filter(end => end === 'answered')).toHaveLength(5)
    expect(ends.filter(end => end === 'overloaded')).toHaveLength(3)
    expect(guarded.client.stats().activeHosts).toBe(0)
  })
})

describe('get', () => {
  it('answers status, headers, body and where it came from', async () => {
    await using guarded = setUp({ userAgent: 'test/1' })
    const response = await guarded.client.get('https://public.test/missing', { headers: { accept: 'a/b' } })
    expect(response).toMatchObject({ status: 404, url: 'https://public.test/missing' })
    expect(response.headers['x-got']).toBe('a/b test/1')
    expect(text(response.bytes)).toBe('no such thing')
    expect((await guarded.client.get('https://public.test/empty')).bytes).toHaveLength(0)
  })

  it('tells a name that does not exist', async () => {
    await using guarded = setUp()
    expect(await errorOf(guarded.client.get('https://unknown.test/'))).toMatchObject({
      code: 'host_not_found',
      retryable: false,
    })
    expect(await codeOf(guarded.client.get('https://none.test/'))).toBe('host_not_found')
  })

  it('tells a connection that fails', async () => {
    await using open = setUp({ allowPrivateHosts: true, dial: undefined, lookup: undefined })
    expect(await errorOf(open.client.get('http://127.0.0.1:9/'))).toMatchObject({
      code: 'network',
      retryable: true,
    })
    expect(await codeOf(open.client.get(`${plain.url}/hang-up`))).toBe('network')
    expect(await codeOf(open.client.get(`${plain.url}/bad-gzip`))).toBe('network')
  })

  it('connects to the addresses of a name one after the other', async () => {
    // Nothing listens on the first.
    await using open = setUp({
      allowPrivateHosts: true,
      dial: undefined,
      lookup: async () => ['::1', '127.0.0.1'],
    })
    expect((await open.client.get(`http://both.test:${plain.port}/ok`)).status).toBe(200)
  })

  it('ends with its signal, also while it waits for a slot', async () => {
    await using guarded = setUp({ perHostConcurrency: 1 })
    const controller = new AbortController()
    const running = codeOf(guarded.client.get('https://public.test/silent', { signal: controller.signal }))
    const waiting = codeOf(guarded.client.get('https://public.test/ok', { signal: controller.signal }))
    await new Promise(resolve => {
      setTimeout(resolve, 50)
    })
    controller.abort()
    expect([await running, await waiting]).toEqual(['aborted', 'aborted'])
    const after = guarded.client.get('https://public.test/ok', { signal: controller.signal })
    expect(await codeOf(after)).toBe('aborted')
    expect((await guarded.client.get('https://public.test/ok')).status).toBe(200)
  })

  it('ends with the client', async () => {
    const guarded = setUp()
    const running = codeOf(guarded.client.get('https://public.test/silent'))
    await guarded[Symbol.asyncDispose]()
    expect(await running).toBe('aborted')
    expect(await codeOf(guarded.client.get('https://public.test/ok'))).toBe('aborted')
  })
})

const largeBytes = 50_000_000
let sentOfLarge = 0
let held = 0
let mostHeld = 0

/** What the server outside does, by path. */
const internet: Handler = (request, response) => {
  const url = new URL(request.url ?? '/', 'https://public.test')
  switch (url.pathname) {
    case '/ok':
      response.end('fine')
      break
    case '/close':
      response.writeHead(200, { connection: 'close' }).end('fine')
      break
    case '/empty':
      response.writeHead(204).end()
      break
    case '/missing': {
      const { accept, 'user-agent': agent } = request.headers
      response.writeHead(404, { 'x-got': `${accept} ${agent}` }).end('no such thing')
      break
    }
    case '/redirect':
      response.writeHead(302, { location: url.searchParams.get('to') ?? '' }).end('moved')
      break
    case '/loop':
      response.writeHead(308, { location: '/loop' }).end()
      break
    case '/slow-loop':
      setTimeout(() => response.writeHead(307, { location: '/slow-loop' }).end(), 60)
      break
    case '/large': {
      const chunk = Buffer.alloc(1_000_000)
      let left = largeBytes / chunk.length
      const send = (): void => {
        while (left > 0 && !response.destroyed) {
          left -= 1
          sentOfLarge += chunk.length
          if (!response.write(chunk)) {
            response.once('drain', send)
            return
          }
        }
        response.end()
      }
      send()
      break
    }
    case '/bomb':
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(20_000_000)))
      break
    case '/gzip':
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('compressed'))
      break
    case '/bad-gzip':
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('not at all')
      break
    case '/trickle': {
      let left = 20
      const timer = setInterval(() => {
        response.write('.')
        left -= 1
        if (left === 0) response.end()
        if (left === 0 || response.destroyed) clearInterval(timer)
      }, 50)
      break
    }
    case '/header':
      response.writeHead(200, { 'x-large': 'a'.repeat(100_000) }).end()
      break
    case '/held':
      held += 1
      mostHeld = Math.max(mostHeld, held)
      setTimeout(() => {
        held -= 1
        response.end()
      }, 50)
      break
    case '/hang-up':
      request.socket.destroy()
      break
    default: // '/silent' among others: no answer
  }
}
