import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { waitFor } from '@orrery/testnet'
import { describe, expect, it } from 'vitest'
import { startTestSlingshot } from './harness.ts'
import { json } from './scripted-pds.ts'
import {
  cidOfValue,
  documentOf,
  note,
  recordPath,
  startWorld,
  type TestAccount,
  valueOf,
  type World,
} from './world.ts'

// What strangers may do to it, and to others through it.

const refusal = { error: expect.stringMatching(/^\w+$/), message: expect.any(String) }

/** A Slingshot that may ask public hosts only, behind the same network. */
async function guarded(world: World) {
  return startTestSlingshot({
    source: world.relay.url,
    'plc-url': world.plc.url,
    dns: world.dns.address,
    verify: 'off',
  })
}

function move(account: TestAccount, world: World, pds: string): void {
  world.plc.set(documentOf(account.did, account.handle, account.repo, pds))
}

describe('a DID document whose PDS is not a public host', () => {
  it.each([
    'http://127.0.0.1',
    'https://127.0.0.1',
    'http://169.254.169.254',
    'https://169.254.169.254',
    'http://[::1]',
    'https://[::1]',
    'https://10.0.0.1',
    'https://100.64.0.1',
    'https://[::ffff:10.0.0.1]',
    'https://2130706433',
    'https://localhost',
    'https://user:pw@example.com',
    'https://example.com:8443',
    'ftp://example.com',
  ])('%s is never asked', async pds => {
    await using world = await startWorld()
    await using slingshot = await guarded(world)
    const alice = world.account('alice')
    move(alice, world, pds)
    const query = { repo: alice.did, collection: note, rkey: 'x' }
    const { status, body } = await slingshot.ask(recordPath, query)
    expect(status).toBe(502)
    expect(body).toEqual(refusal)
    const { did } = alice
    expect(
      (await slingshot.fetch('/xrpc/com.atproto.sync.getRecord', { did, collection: note, rkey: 'x' }))
        .status,
    ).toBe(502)
  })

  it('nor the scripted one on loopback, as a PDS, a did:web or a service', async () => {
    await using world = await startWorld()
    await using slingshot = await guarded(world)
    const alice = world.account('alice')
    expect((await slingshot.ask(recordPath, { repo: alice.did, collection: note, rkey: 'x' })).status).toBe(
      502,
    )
    const did = `did:web:localhost%3A${world.pds.port}`
    expect((await slingshot.ask('/xrpc/com.atproto.identity.resolveDid', { did })).body).toEqual({
      ...refusal,
      error: 'UpstreamRefused',
    })
    const hydrate = {
      xrpc: 'a.b.c',
      atproto_proxy: `${alice.did}#atproto_pds`,
      hydration_sources: [],
      params: {},
    }
    const { body } = await slingshot.post('/xrpc/com.bad-example.proxy.hydrateQueryResponse', hydrate)
    expect(body).toEqual({ ...refusal, error: 'UpstreamRefused' })
    expect(world.pds.requests).toEqual([])
  })
})

describe('a PDS that', () => {
  const flags = { 'fetch-timeout': '500ms' }

  it.each([
    ['says nothing', () => {}],
    [
      'trickles its header',
      ({ socket }: { socket: { write(text: string): unknown; destroyed: boolean } }) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const timer = setInterval(
          () => (socket.destroyed ? clearInterval(timer) : socket.write('x: y\r\n')),
          20,
        )
      },
    ],
    [
      'trickles',
      (_request: unknown, response: { write(text: string): unknown; destroyed: boolean }) => {
        const timer = setInterval(() => (response.destroyed ? clearInterval(timer) : response.write(' ')), 20)
      },
    ],
  ])('%s is a 504 in time', async (_what, answer) => {
    await using world = await startWorld(flags)
    const alice = world.account('alice')
    world.pds.answer = answer as never
    const startedAt = performance.now()
    expect(await world.getRecord(alice, 'x')).toEqual({
      status: 504,
      body: { ...refusal, error: 'UpstreamTimeout' },
    })
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })

  it.each([
    ['sends 50 MB', false],
    ['sends 50 MB in 50 kB', true],
  ])('%s is cut off', async (_what, isZipped) => {
    await using world = await startWorld()
    const alice = world.account('alice')
    const large = Buffer.alloc(50_000_000, ' ')
    world.pds.answer = (_request, response) =>
      isZipped
        ? response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(large))
        : response.writeHead(200).end(large)
    expect(await world.getRecord(alice, 'x')).toEqual({
      status: 502,
      body: { ...refusal, error: 'UpstreamFailure' },
    })
  })

  it('has a record above a megabyte is served, one above the limit is not, whichever way it came', async () => {
    await using world = await startWorld({ 'max-record': '4MiB' })
    const alice = world.account('alice')
    const large = 'x'.repeat(1_500_000)
    alice.writeInSilence('large', large)
    const { status, body } = await world.getRecord(alice, 'large')
    expect([status, body.cid]).toEqual([200, cidOfValue(valueOf(large))])
    expect(await world.getRecord(alice, 'large')).toEqual({ status, body })
    const huge = valueOf('x'.repeat(16 * 1024 * 1024))
    world.pds.answer = json(200, { cid: cidOfValue(huge), value: huge })
    expect((await world.getRecord(alice, 'huge')).status).toBe(502)
  })

  it('redirects to the inside is not followed there', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    world.pds.answer = (_request, response) => response.writeHead(302, { location: 'ftp://10.0.0.1/' }).end()
    expect((await world.getRecord(alice, 'x')).status).toBe(502)
  })
})

it('a dead host costs nobody else anything, however many distinct records are asked for', async () => {
  // Takes connections and never answers.
  await using stack = new AsyncDisposableStack()
  const dead = createServer(socket => socket.on('error', () => {}))
  await new Promise<void>(resolve => {
    dead.listen(0, '127.0.0.1', resolve)
  })
  stack.defer(() => void dead.close())
  const world = stack.use(await startWorld({ 'fetch-timeout': '500ms' }))
  const alice = world.account('alice')
  alice.write('hit', 'one')
  await world.settled()
  const victim = world.account('victim')
  const address = dead.address() as { port: number }
  move(victim, world, `http://127.0.0.1:${address.port}`)

  const misses = Array.from({ length: 2_000 }, async (_, i) => world.getRecord(victim, `r${i}`))
  const hits: number[] = []
  for (let i = 0; i < 20; i++) {
    expect((await world.getRecord(alice, 'hit')).status).toBe(200)
    hits.push(i)
  }
  const answers = await Promise.all(misses)
  expect(new Set(answers.map(({ status }) => status)).isSubsetOf(new Set([503, 504, 502]))).toBe(true)
  for (const { body } of answers) expect(body).toEqual(refusal)
  // Left alone now: it answers at once, with when to come back. Where the pause has just ended it is asked once more, and
  // then left alone for longer.
  const response = await waitFor(async () => {
    const query = { repo: victim.did, collection: note, rkey: 'x' }
    const answer = await world.slingshot.fetch(recordPath, query)
    return answer.status === 503 && Number(answer.headers.get('retry-after')) > 1 && answer
  })
  expect(await world.slingshot.total('slingshot_hosts_paused')).toBe(1)
  expect(await world.slingshot.total('slingshot_fetches_underway')).toBe(0)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(response.headers.get('cache-control')).toBeNull()
  expect(await response.json()).toEqual({
    error: 'ServiceUnavailable',
    message: `the server 127.0.0.1:${address.port} keeps failing and is left alone`,
  })
  // The way through the route says the same.
  const cid = cidOfValue(valueOf('x'))
  const query = { repo: victim.did, collection: note, rkey: 'x', cid }
  expect(await world.slingshot.ask(recordPath, query)).toMatchObject({
    status: 503,
    body: { error: 'ServiceUnavailable', message: expect.stringContaining('keeps failing') },
  })
  expect(await world.slingshot.total('slingshot_misses_total')).toBeGreaterThan(misses.length)
}, 120_000)

it('a flood of identity events is taken in without a request, and hits are served meanwhile', async () => {
  await using world = await startWorld()
  const alice = world.account('alice')
  alice.write('x', 'one')
  await world.settled()
  const before = world.plc.requests.size
  const flooders = Array.from({ length: 50 }, (_, i) => world.account(`f${i}`))
  for (let i = 0; i < 2_000; i++) flooders[i % 50]!.changed(`handle${i}.test`)
  expect(await world.text(alice, 'x')).toBe('one')
  await world.settled()
  expect(world.plc.requests.size).toBe(before)
  expect(await world.slingshot.total('slingshot_identity_refreshes_queued')).toBe(0)
}, 60_000)

it('a flood of identity events of accounts that are asked for, with large documents, ends in what is true', async () => {
  await using world = await startWorld({ 'identity-memory': '1MiB' })
  const alice = world.account('alice')
  alice.write('x', 'one')
  await world.settled()
  const flooders = Array.from({ length: 20 }, (_, i) => world.account(`g${i}`))
  const miniDoc = async ({ did }: TestAccount) =>
    world.slingshot.ask('/xrpc/blue.microcosm.identity.resolveMiniDoc', { identifier: did })
  const fill = 'x'.repeat(200_000)
  const swell = (of: TestAccount, pds: string): void =>
    world.plc.set({ ...documentOf(of.did, of.handle, of.repo, pds), fill } as never)
  for (const of of flooders) swell(of, world.pds.url)
  expect((await Promise.all(flooders.map(miniDoc))).every(({ status }) => status === 200)).toBe(true)
  for (const of of flooders) swell(of, 'https://moved.example.com')
  for (let i = 0; i < 1_000; i++) flooders[i % 20]!.changed()
  for (let i = 0; i < 20; i++) expect(await world.text(alice, 'x')).toBe('one')
  await world.settled()
  await waitFor(async () => (await world.slingshot.total('slingshot_identity_refreshes_queued')) === 0)
  for (const { body } of await Promise.all(flooders.map(miniDoc))) {
    expect(body.pds).toBe('https://moved.example.com')
  }
  expect(await world.text(alice, 'x')).toBe('one')
  expect(world.slingshot.failures).toEqual([])
}, 60_000)

it('a client that asks too much is told when to come back, and others are not', async () => {
  await using world = await startWorld({ 'rate-limit': '2', 'rate-burst': '10', 'trust-proxy': 'loopback' })
  const ask = (
    ip: string,
    path = '/openapi',
    init: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ) => world.slingshot.fetch(path, {}, { ...init, headers: { ...init.headers, 'x-forwarded-for': ip } })
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask('203.0.113.1')))
  const isRefused = ({ status }: Response): boolean => status === 429
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(10)
  // Those beyond the burst would take ten seconds to pass.
  const refused = answers.find(isRefused)!
  expect(answers.every(answer => answer.ok || isRefused(answer))).toBe(true)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(refused.headers.get('access-control-allow-origin')).toBe('*')
  expect(await refused.json()).toEqual({ ...refusal, error: 'RateLimitExceeded' })
  expect((await ask('203.0.113.2')).status).toBe(200)
  expect((await ask('203.0.113.1', '/_health')).status).not.toBe(429)
  // A batch counts as what it asks for.
  const body = JSON.stringify({ uris: Array.from({ length: 50 }, () => 'at://x') })
  const headers = { 'content-type': 'application/json' }
  expect((await ask('203.0.113.3', '/records', { method: 'POST', body, headers })).status).toBe(429)
  // Refusals are not charged: it may go on after a moment.
  await waitFor(async () => (await ask('203.0.113.1')).status === 200, { timeoutMs: 5_000 })
})

it.each([
  ['', {}],
  [' also behind a proxy,', { 'trust-proxy': 'loopback' }],
])('records are counted once each,%s whichever way they are answered', async (_, options) => {
  await using world = await startWorld({ 'rate-limit': '1', 'rate-burst': '6', ...options })
  const alice = world.account('alice')
  alice.write('hit', 'one')
  alice.writeInSilence('miss', 'two')
  await world.settled()
  const ask = (rkey: string, client = '203.0.113.1') =>
    world.slingshot.fetch(
      recordPath,
      { repo: alice.did, collection: note, rkey },
      { headers: { 'x-forwarded-for': client } },
    )
  /** Asks until that is refused. How often it was not: each second that this takes is good for one more. */
  async function untilRefused(rkey: string, client?: string): Promise<number> {
    for (let passed = 0; passed < 100; passed++) {
      const response = await ask(rkey, client)
      if (response.status !== 429) continue
      expect(Number(response.headers.get('retry-after'))).toBe(1)
      expect(await response.json()).toEqual({
        error: 'RateLimitExceeded',
        message: 'Too many requests; come back in 1 s',
      })
      return passed
    }
    throw new Error('it was not refused')
  }
  const startedAt = performance.now()
  const seconds = (): number => Math.floor((performance.now() - startedAt) / 1_000)
  expect((await ask('miss')).status).toBe(200)
  const hits = await untilRefused('hit')
  expect(hits).toBeGreaterThanOrEqual(5)
  expect(hits).toBeLessThanOrEqual(5 + seconds())
  expect(hits + (await untilRefused('another'))).toBeLessThanOrEqual(5 + seconds())
  // Who asks by another proxy's word is another client; without one, words are not believed.
  const isAnother = (await untilRefused('hit', '203.0.113.2')) >= 6
  expect(isAnother || seconds() >= 6).toBe('trust-proxy' in options || seconds() >= 6)
  expect(await world.slingshot.total('slingshot_requests_refused_total')).toBe(3)
})
