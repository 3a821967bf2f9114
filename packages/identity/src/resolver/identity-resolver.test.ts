import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { documentOf, plcDid, startDirectory, status } from '../../test/util/directory.ts'
import { codeOf, errorOf } from '../../test/util/error-of.ts'
import { createGuardedFetch } from '../http/guarded-fetch.ts'
import { createMemoryDocumentStore } from '../store/memory.ts'
import { openDocumentStore } from '../store/sqlite.ts'
import { createIdentityResolver, type IdentityResolverOptions } from './identity-resolver.ts'

const minute = 60_000
const hour = 60 * minute
const did = plcDid(1)

async function setUp(options: Partial<IdentityResolverOptions> = {}) {
  const clock = { now: 1_700_000_000_000 }
  const directory = await startDirectory()
  const fetch = createGuardedFetch({ allowPrivateHosts: true })
  const resolver = createIdentityResolver({ plcUrl: directory.url, fetch, now: () => clock.now, ...options })
  const dispose = async (): Promise<void> => {
    await resolver[Symbol.asyncDispose]()
    await fetch[Symbol.asyncDispose]()
    await directory[Symbol.asyncDispose]()
  }
  return { clock, directory, resolver, [Symbol.asyncDispose]: dispose }
}

describe('resolve', () => {
  it('asks PLC once, then memory', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    expect(resolver.cached(did)).toBeUndefined()
    const identity = await resolver.resolve(did)
    expect(identity).toEqual({
      did,
      handle: 'v1.example.com',
      pds: 'https://pds.example.net',
      signingKey: 'zQ3shPkJyX6ZanqXmNb2q7rqc2enkEGLdDUpvomMCQo91uhEk',
      document: documentOf(did),
      fetchedAt: clock.now,
    })
    expect(await resolver.resolve(did)).toBe(identity)
    expect(resolver.cached(did)).toBe(identity)
    expect(directory.paths).toEqual([`/${did}`])
  })

  it('asks the host of a did:web', async () => {
    await using world = await setUp()
    const { webDid } = world.directory
    expect(await world.resolver.resolve(webDid)).toMatchObject({ did: webDid, handle: 'v1.example.com' })
    expect(world.directory.paths).toEqual(['/.well-known/did.json'])
    expect(world.resolver.stats().lookups).toEqual({ plc: 0, web: 1 })
  })

  it('asks no private host unless told to', async () => {
    await using guarded = createGuardedFetch()
    await using world = await setUp({ fetch: guarded })
    expect(await codeOf(world.resolver.resolve(world.directory.webDid))).toBe('blocked_url')
    expect(world.directory.paths).toEqual([])
    // The directory itself is the operator's choice.
    expect(await world.resolver.resolve(did)).toMatchObject({ did })
  })

  it('collapses look-ups of one DID', async () => {
    await using world = await setUp()
    const identities = await Promise.all(Array.from({ length: 100 }, () => world.resolver.resolve(did)))
    expect(new Set(identities).size).toBe(1)
    expect(world.directory.requestsFor(did)).toBe(1)
    expect(world.resolver.stats()).toMatchObject({ joined: 99, underway: 0 })
    // Failures too.
    const missing = plcDid(2)
    world.directory.answers.set(missing, status(404))
    const codes = await Promise.all(
      Array.from({ length: 100 }, () => codeOf(world.resolver.resolve(missing))),
    )
    expect(new Set(codes)).toEqual(new Set(['not_found']))
    expect(world.directory.requestsFor(missing)).toBe(1)
  })

  it('ends one wait by its signal, and not the request that others share', async () => {
    await using world = await setUp()
    const gate = Promise.withResolvers<void>()
    world.directory.answers.set(did, (_request, response) => {
      void gate.promise.then(() => response.end(JSON.stringify(documentOf(did))))
    })
    const controller = new AbortController()
    const impatient = errorOf(world.resolver.resolve(did, { signal: controller.signal }))
    const patient = world.resolver.resolve(did)
    controller.abort(new Error('enough'))
    expect(await impatient).toMatchObject({ code: 'aborted', cause: { message: 'enough' } })
    gate.resolve()
    expect(await patient).toMatchObject({ did })
    expect(world.directory.requestsFor(did)).toBe(1)
    expect(await codeOf(world.resolver.resolve(did, { signal: controller.signal }))).toBe('aborted')
  })

  it('asks again when the document is too old, by default or by wish', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    await resolver.resolve(did)
    directory.version = 2
    clock.now += hour
    expect((await resolver.resolve(did)).handle).toBe('v1.example.com')
    expect((await resolver.resolve(did, { maxAgeMs: hour })).handle).toBe('v2.example.com')
    directory.version = 3
    clock.now += 24 * hour
    expect(resolver.cached(did)).toBeUndefined()
    expect((await resolver.resolve(did)).handle).toBe('v3.example.com')
    expect(resolver.cached(did)?.handle).toBe('v3.example.com')
    expect(directory.requestsFor(did)).toBe(3)
  })

  it('makes no sense of a document from the far future', async () => {
    await using world = await setUp()
    await world.resolver.resolve(did)
    world.clock.now -= 30_000
    expect(world.resolver.cached(did)).toBeDefined()
    world.clock.now -= hour
    expect(world.resolver.cached(did)).toBeUndefined()
  })

  it.each([
    ['did:example:123', 'unsupported_method'],
    ['did:plc:short', 'invalid_did'],
    ['did:web:example.com:path', 'invalid_did'],
    ['example.com', 'invalid_did'],
  ])('asks nobody about %s', async (odd, code) => {
    await using world = await setUp()
    expect(await codeOf(world.resolver.resolve(odd))).toBe(code)
    expect(await codeOf(world.resolver.refresh(odd))).toBe(code)
    expect(world.resolver.cached(odd)).toBeUndefined()
    expect(world.directory.paths).toEqual([])
  })

  it('stays within its memory', async () => {
    const store = createMemoryDocumentStore()
    await using world = await setUp({ maxEntries: 10, store })
    for (let n = 0; n < 30; n++) await world.resolver.resolve(plcDid(n))
    expect(world.resolver.stats().entries).toBe(10)
    // What was pushed out comes back from the store.
    await world.resolver.resolve(plcDid(0))
    expect(world.directory.requestsFor(plcDid(0))).toBe(1)
    expect(world.resolver.stats()).toMatchObject({ storeHits: 1, entries: 10 })
  })

  it('stays within its memory in bytes, with large documents too', async () => {
    await using world = await setUp({ maxBytes: 100_000 })
    for (let n = 0; n < 20; n++) {
      const large = plcDid(n)
      const padded = { ...documentOf(large), padding: 'x'.repeat(n === 19 ? 200_000 : 10_000) }
      world.directory.answers.set(large, (_request, response) => response.end(JSON.stringify(padded)))
      expect(await world.resolver.resolve(large)).toMatchObject({ did: large })
    }
    const { entries, bytes } = world.resolver.stats()
    expect(bytes).toBeLessThanOrEqual(100_000)
    expect(entries).toBeGreaterThan(2)
    // The last is larger than all the memory: it is answered, and not kept.
    expect(world.resolver.cached(plcDid(19))).toBeUndefined()
    expect(world.resolver.cached(plcDid(18))).toBeDefined()
  })

  it('ends with the resolver', async () => {
    await using world = await setUp()
    world.directory.all = () => {}
    const waiting = codeOf(world.resolver.resolve(did))
    await expect.poll(() => world.directory.paths.length).toBe(1)
    await world.resolver[Symbol.asyncDispose]()
    expect(await waiting).toBe('aborted')
    expect(await codeOf(world.resolver.resolve(did))).toBe('aborted')
    expect(await codeOf(world.resolver.refresh(did))).toBe('aborted')
  })

  it('needs a usable URL of the directory', async () => {
    await using fetch = createGuardedFetch()
    for (const plcUrl of [
      'plc.directory',
      'ftp://plc.directory',
      'https://a:b@plc.directory',
      'https://plc.directory?x',
    ]) {
      expect(() => createIdentityResolver({ plcUrl, fetch })).toThrow(TypeError)
    }
  })

  it('takes a directory below a path', async () => {
    await using other = await setUp()
    await using world = await setUp({ plcUrl: `${other.directory.url}/below/` })
    await errorOf(world.resolver.resolve(did))
    expect(other.directory.paths).toEqual([`/below/${did}`])
  })
})

describe('failures', () => {
  it.each([
    [404, 'not_found'],
    [410, 'tombstoned'],
    [400, 'invalid_did'],
  ])('status %i of PLC is remembered for minutes', async (code, name) => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    directory.answers.set(did, status(code))
    expect(await errorOf(resolver.resolve(did))).toMatchObject({
      code: name,
      did,
      status: code,
      retryable: false,
    })
    clock.now += 5 * minute - 1
    expect(await errorOf(resolver.resolve(did))).toMatchObject({ code: name, did, retryAfterMs: 1 })
    expect(directory.requestsFor(did)).toBe(1)
    clock.now += 1
    directory.answers.delete(did)
    expect(await resolver.resolve(did)).toMatchObject({ did })
    expect(resolver.stats()).toMatchObject({ repeatedFailures: 1, failures: 0, failed: { [name]: 1 } })
  })

  it('passing ones are asked about again, less and less often', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    const { webDid } = directory
    directory.answers.set(webDid, status(500))
    for (let second = 0; second < 120; second++) {
      expect(await codeOf(resolver.resolve(webDid))).toBe('http_error')
      clock.now += 1_000
    }
    // At 0, 1, 3, 7, 15, 31, 63 seconds.
    expect(directory.requestsFor(webDid)).toBe(7)
  })

  it('a directory that is down meets a few requests, whoever is asked for', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    directory.all = status(503)
    const codes = await Promise.all(
      Array.from({ length: 200 }, (_, n) => codeOf(resolver.resolve(plcDid(n)))),
    )
    expect(new Set(codes)).toEqual(new Set(['http_error', 'unavailable']))
    // Those under way with the fifth failure, 16 at most, had been sent.
    expect(directory.paths.length).toBeLessThanOrEqual(5 + 16)
    expect(resolver.stats().plcPaused).toBe(true)
    const before = directory.paths.length
    for (let n = 200; n < 400; n++) {
      expect(await codeOf(resolver.resolve(plcDid(n)))).toMatch(/http_error|unavailable/)
      clock.now += 100
    }
    // 20 seconds of outage: pauses of 1, 2, 4 and 8 seconds.
    expect(directory.paths.length - before).toBeLessThanOrEqual(5)
    directory.all = undefined
    clock.now += 30_000
    expect(await resolver.resolve(plcDid(400))).toMatchObject({ did: plcDid(400) })
    expect(await resolver.resolve(plcDid(399))).toMatchObject({ did: plcDid(399) })
    expect(resolver.stats().plcPaused).toBe(false)
  })

  it.each([
    ['a redirect', status(302, { location: '/elsewhere' }), 'redirect'],
    ['too many requests', status(429), 'http_error'],
    ['forbidden', status(403), 'http_error'],
  ])('%s is the trouble of PLC, not of the DID', async (_what, answer, code) => {
    await using world = await setUp()
    world.directory.answers.set(did, answer)
    expect(await errorOf(world.resolver.resolve(did))).toMatchObject({ code, retryable: true })
    expect(world.directory.paths).toEqual([`/${did}`])
  })

  it.each([
    ['no JSON', '<html>'],
    ['no object', '[]'],
    ['of another DID', JSON.stringify(documentOf(plcDid(9)))],
  ])('a document that is %s is invalid', async (_what, body) => {
    await using world = await setUp()
    world.directory.answers.set(did, (_request, response) => response.end(body))
    expect(await codeOf(world.resolver.resolve(did))).toBe('invalid_document')
    expect(await codeOf(world.resolver.resolve(did))).toBe('invalid_document')
    expect(world.directory.requestsFor(did)).toBe(1)
  })

  it('a document too large is refused', async () => {
    await using world = await setUp()
    const padded = JSON.stringify({ ...documentOf(did), padding: 'x'.repeat(300_000) })
    world.directory.all = (_request, response) => response.end(padded)
    expect(await codeOf(world.resolver.resolve(did))).toBe('too_large')
    expect(await codeOf(world.resolver.resolve(world.directory.webDid))).toBe('too_large')
  })

  it('a directory that does not answer is given up on', async () => {
    await using world = await setUp({ plcTimeoutMs: 50 })
    world.directory.all = () => {}
    expect(await errorOf(world.resolver.resolve(did))).toMatchObject({ code: 'timeout', retryable: true })
  })

  it('410 of a web server means not found', async () => {
    await using world = await setUp()
    world.directory.answers.set(world.directory.webDid, status(410))
    expect(await codeOf(world.resolver.resolve(world.directory.webDid))).toBe('not_found')
  })

  it('of asking again leave the older document in use, for days', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    const identity = await resolver.resolve(did)
    directory.all = status(502)
    clock.now += 3 * 24 * hour
    expect(await resolver.resolve(did)).toBe(identity)
    expect(await resolver.resolve(did)).toBe(identity)
    expect(directory.requestsFor(did)).toBe(2)
    expect(resolver.stats().staleServed).toBe(2)
    clock.now += 5 * 24 * hour
    expect(await codeOf(resolver.resolve(did))).toBe('http_error')
  })

  it('that say the DID is gone do not', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    await resolver.resolve(did)
    directory.answers.set(did, status(410))
    expect(await codeOf(resolver.resolve(did, { maxAgeMs: 0 }))).toBe('tombstoned')
    expect(resolver.cached(did)).toBeUndefined()
    expect(await codeOf(resolver.resolve(did))).toBe('tombstoned')
    clock.now += hour
    directory.all = status(500)
    expect(await codeOf(resolver.resolve(did))).toBe('http_error')
  })
})

describe('purge', () => {
  it('sends the next look-up to the network', async () => {
    await using world = await setUp({ store: createMemoryDocumentStore() })
    const { resolver, directory } = world
    await resolver.resolve(did)
    directory.version = 2
    resolver.purge(did)
    expect(resolver.cached(did)).toBeUndefined()
    expect((await resolver.resolve(did)).handle).toBe('v2.example.com')
    expect(directory.requestsFor(did)).toBe(2)
  })

  it('forgets failures', async () => {
    await using world = await setUp()
    world.directory.answers.set(did, status(404))
    await errorOf(world.resolver.resolve(did))
    world.directory.answers.delete(did)
    world.resolver.purge(did)
    expect(await world.resolver.resolve(did)).toMatchObject({ did })
  })

  it('is not undone by a request from before', async () => {
    await using world = await setUp()
    const { resolver, directory } = world
    const gate = Promise.withResolvers<void>()
    directory.answers.set(did, (_request, response) => {
      void gate.promise.then(() => response.end(JSON.stringify(documentOf(did, 1))))
    })
    const before = resolver.resolve(did)
    await expect.poll(() => directory.requestsFor(did)).toBe(1)
    directory.answers.delete(did)
    directory.version = 2
    resolver.purge(did)
    expect((await resolver.resolve(did)).handle).toBe('v2.example.com')
    gate.resolve()
    expect((await before).handle).toBe('v1.example.com')
    expect(resolver.cached(did)?.handle).toBe('v2.example.com')
  })

  it('takes effect on those who are asking again', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    await resolver.resolve(did)
    clock.now += 48 * hour
    const gate = Promise.withResolvers<void>()
    directory.answers.set(did, (_request, response) => {
      void gate.promise.then(() => response.writeHead(500).end())
    })
    const asking = codeOf(resolver.resolve(did))
    await expect.poll(() => directory.requestsFor(did)).toBe(2)
    resolver.purge(did)
    gate.resolve()
    expect(await asking).toBe('http_error')
  })

  it('leaves nothing to serve when the network fails', async () => {
    await using world = await setUp()
    await world.resolver.resolve(did)
    world.resolver.purge(did)
    world.directory.all = status(500)
    expect(await codeOf(world.resolver.resolve(did))).toBe('http_error')
  })
})

describe('refresh', () => {
  it('asks the network at once, and no more than once a minute', async () => {
    await using world = await setUp()
    const { resolver, directory, clock } = world
    await resolver.resolve(did)
    directory.version = 2
    expect((await resolver.refresh(did)).handle).toBe('v2.example.com')
    expect(resolver.cached(did)?.handle).toBe('v2.example.com')
    directory.version = 3
    for (let second = 0; second < 59; second++) {
      clock.now += 1_000
      expect((await resolver.refresh(did)).handle).toBe('v2.example.com')
    }
    expect(directory.requestsFor(did)).toBe(2)
    clock.now += 1_000
    expect((await resolver.refresh(did)).handle).toBe('v3.example.com')
    expect(directory.requestsFor(did)).toBe(3)
    expect(resolver.stats()).toMatchObject({ refreshes: 2, refreshesLimited: 59 })
  })

  it('serves nothing older when it fails, and leaves it where it was', async () => {
    await using world = await setUp()
    const { resolver, directory } = world
    const identity = await resolver.resolve(did)
    directory.all = status(500)
    expect(await codeOf(resolver.refresh(did))).toBe('http_error')
    expect(resolver.cached(did)).toBe(identity)
    // Within the minute it is a resolve at any age.
    expect(await resolver.refresh(did)).toBe(identity)
    expect(directory.requestsFor(did)).toBe(2)
  })

  it('joins a look-up under way', async () => {
    await using world = await setUp()
    const [a, b] = await Promise.all([world.resolver.resolve(did), world.resolver.refresh(did)])
    expect(a).toBe(b)
    expect(world.directory.requestsFor(did)).toBe(1)
  })

  it('limits each DID by itself', async () => {
    await using world = await setUp()
    await Promise.all([1, 2, 3].map(n => world.resolver.refresh(plcDid(n))))
    await Promise.all([1, 2, 3].map(n => world.resolver.refresh(plcDid(n))))
    expect(world.directory.paths).toHaveLength(3)
  })
})

describe('with a SQLite store', () => {
  it('knows after a restart what it knew before, with its age', () =>
    inFolder(async path => {
      let before: unknown
      {
        await using store = openDocumentStore(path)
        await using world = await setUp({ store })
        before = await world.resolver.resolve(did)
        await world.resolver.resolve(plcDid(2))
        world.resolver.purge(plcDid(2))
      }
      await using store = openDocumentStore(path)
      await using world = await setUp({ store })
      expect(world.resolver.cached(did)).toBeUndefined()
      expect(await world.resolver.resolve(did)).toEqual(before)
      expect(world.resolver.cached(did)).toEqual(before)
      await world.resolver.resolve(plcDid(2))
      expect(world.directory.paths).toEqual([`/${plcDid(2)}`])
      world.clock.now += 24 * hour
      await world.resolver.resolve(did)
      expect(world.directory.requestsFor(did)).toBe(1)
    }))

  it('fetches again what it cannot read', () =>
    inFolder(async path => {
      await using store = openDocumentStore(path)
      const fetchedAt = 1_700_000_000_000
      const rows = ['{"id":', 'null', '{}', JSON.stringify(documentOf(plcDid(7)))]
      for (const [n, json] of rows.entries()) store.put({ did: plcDid(n), json, fetchedAt })
      store.flush()
      await using world = await setUp({ store })
      for (const n of rows.keys())
        expect(await world.resolver.resolve(plcDid(n))).toMatchObject({ did: plcDid(n) })
      expect(world.directory.paths).toHaveLength(rows.length)
      expect(world.resolver.stats()).toMatchObject({ corrupt: rows.length, storeHits: 0 })
      expect(store.get(plcDid(0))?.json).toBe(JSON.stringify(documentOf(plcDid(0))))
      // It goes, whether or not there is something to take its place.
      store.put({ did: plcDid(9), json: 'nonsense', fetchedAt })
      world.directory.all = status(500)
      expect(await codeOf(world.resolver.resolve(plcDid(9)))).toBe('http_error')
      expect(store.get(plcDid(9))).toBeUndefined()
    }))
})

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'))
  try {
    await work(join(folder, 'identity.sqlite'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
