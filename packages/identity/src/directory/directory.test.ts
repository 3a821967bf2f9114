import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { documentOf, plcDid, startDirectory, status } from '../../test/util/directory.ts'
import { startDns } from '../../test/util/dns-server.ts'
import { codeOf } from '../../test/util/error-of.ts'
import { createHandleResolver } from '../handle/handle-resolver.ts'
import { createHandleSource } from '../handle/handle-source.ts'
import { createDnsTxtLookup } from '../handle/txt.ts'
import { createGuardedFetch } from '../http/guarded-fetch.ts'
import { createIdentityResolver } from '../resolver/identity-resolver.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { handlesIn } from '../store/handles.ts'
import { createMemoryDocumentStore } from '../store/memory.ts'
import { openDocumentStore } from '../store/sqlite.ts'
import { createDirectory } from './directory.ts'

const minute = 60_000
const hour = 60 * minute
const did = plcDid(1)
const other = plcDid(2)
const key = 'zQ3shPkJyX6ZanqXmNb2q7rqc2enkEGLdDUpvomMCQo91uhEk'

/** A PLC, a name server, and a directory over both. Documents claim `v<version>.example.com`. */
async function setUp(stores: { documents?: DocumentStore; handles?: DocumentStore } = {}) {
  const clock = { now: 1_700_000_000_000 }
  const now = (): number => clock.now
  await using stack = new AsyncDisposableStack()
  const plc = stack.use(await startDirectory())
  const dns = stack.use(await startDns())
  const fetch = stack.use(createGuardedFetch({ allowPrivateHosts: true, lookup: async () => [] }))
  const resolver = stack.use(createIdentityResolver({ plcUrl: plc.url, fetch, now, store: stores.documents }))
  const txt = createDnsTxtLookup({ servers: [dns.address], timeoutMs: 500 })
  const source = createHandleSource({ txt, fetch })
  const store = stores.handles && handlesIn(stores.handles)
  const handles = stack.use(createHandleResolver({ source, now, store }))
  const directory = stack.use(createDirectory({ resolver, handles, now }))
  const claim = (handle: string, of: string): void => void dns.names.set(`_atproto.${handle}`, [`did=${of}`])
  claim('v1.example.com', did)
  const settled = async (): Promise<void> => {
    await expect.poll(() => directory.stats().running + directory.stats().queued).toBe(0)
  }
  const owned = stack.move()
  return {
    clock,
    plc,
    dns,
    resolver,
    directory,
    claim,
    settled,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Answers with a document of our own making. */
const document = (json: unknown) => (_request: unknown, response: { end(text: string): unknown }) =>
  void response.end(JSON.stringify(json))

const asked = ({ dns }: { dns: { asked: string[] } }, handle: string): number =>
  dns.asked.filter(name => name === `_atproto.${handle}`).length

describe('mini docs', () => {
  const mini = { did, handle: 'v1.example.com', pds: 'https://pds.example.net', signing_key: key }

  it('are the same by DID and by handle, in any case', async () => {
    await using world = await setUp()
    expect(await world.directory.miniDoc(did)).toEqual(mini)
    expect(await world.directory.miniDoc('V1.Example.com')).toEqual(mini)
  })

  it.each([
    ['another DID, which claims it too', other],
    ['another DID, which does not', plcDid(3)],
    ['nothing', undefined],
  ])('of a DID whose handle leads to %s have handle.invalid', async (_what, target) => {
    await using world = await setUp()
    world.plc.answers.set(plcDid(3), document({ ...documentOf(plcDid(3)), alsoKnownAs: [] }))
    if (target === undefined) world.dns.names.clear()
    else world.claim('v1.example.com', target)
    expect(await world.directory.miniDoc(did)).toEqual({ ...mini, handle: 'handle.invalid' })
  })

  it('of a DID whose handle cannot be asked, or that has none, have it too', async () => {
    await using world = await setUp()
    world.dns.names.set('_atproto.v1.example.com', 'SERVFAIL')
    expect((await world.directory.miniDoc(did)).handle).toBe('handle.invalid')
    world.plc.answers.set(
      other,
      document({ ...documentOf(other), alsoKnownAs: ['at://no handle', 'mailto:x'] }),
    )
    expect((await world.directory.miniDoc(other)).handle).toBe('handle.invalid')
    world.plc.answers.set(plcDid(3), document({ ...documentOf(plcDid(3)), alsoKnownAs: ['at://a.invalid'] }))
    expect((await world.directory.miniDoc(plcDid(3))).handle).toBe('handle.invalid')
    expect(asked(world, 'a.invalid')).toBe(0)
  })

  it('need a PDS and a key', async () => {
    await using world = await setUp()
    world.plc.answers.set(did, document({ ...documentOf(did), service: [] }))
    world.plc.answers.set(other, document({ ...documentOf(other), verificationMethod: [] }))
    expect(await codeOf(world.directory.miniDoc(did))).toBe('invalid_document')
    expect(await codeOf(world.directory.miniDoc(other))).toBe('invalid_document')
    expect(await world.directory.identity(did)).toMatchObject({ did })
  })

  it('are read from odd documents', async () => {
    await using world = await setUp()
    world.claim('v2.example.com', did)
    world.plc.answers.set(
      did,
      document({
        '@context': 'https://www.w3.org/ns/did/v1',
        id: did,
        alsoKnownAs: [7, 'https://x', 'at://V2.example.com', 'at://v1.example.com'],
        verificationMethod: [null, 'x', { id: '#atproto', type: 'Multikey', publicKeyMultibase: key }],
        service: [
          { id: '#odd', type: ['a'], serviceEndpoint: { uri: 'https://x' } },
          {
            id: '#atproto_pds',
            type: 'AtprotoPersonalDataServer',
            serviceEndpoint: 'https://pds.example.net/',
          },
        ],
      }),
    )
    expect(await world.directory.miniDoc(did)).toEqual({ ...mini, handle: 'v2.example.com' })
  })
})

describe('handles', () => {
  it('that lead nowhere, or to a DID that does not claim them, are nobody’s', async () => {
    await using world = await setUp()
    world.claim('bob.example.com', did)
    expect(await codeOf(world.directory.resolveHandle('bob.example.com'))).toBe('handle_mismatch')
    expect(await codeOf(world.directory.resolveHandle('carol.example.com'))).toBe('handle_not_found')
    expect(await codeOf(world.directory.resolveHandle('carol'))).toBe('invalid_handle')
    expect(await codeOf(world.directory.resolveHandle('alice.test'))).toBe('invalid_handle')
    world.claim('dan.example.com', plcDid(9))
    world.plc.answers.set(plcDid(9), status(404))
    expect(await codeOf(world.directory.resolveHandle('dan.example.com'))).toBe('not_found')
  })

  it('that are missing are not asked for again for a minute', async () => {
    await using world = await setUp()
    for (let i = 0; i < 3; i++) {
      expect(await codeOf(world.directory.resolveHandle('carol.example.com'))).toBe('handle_not_found')
    }
    expect(asked(world, 'carol.example.com')).toBe(1)
    world.clock.now += minute + 1
    await codeOf(world.directory.resolveHandle('carol.example.com'))
    expect(asked(world, 'carol.example.com')).toBe(2)
  })

  it('that went to another account are found there, without an event', async () => {
    await using world = await setUp()
    expect((await world.directory.resolveHandle('v1.example.com')).did).toBe(did)
    world.claim('v1.example.com', other)
    world.plc.answers.set(did, document({ ...documentOf(did), alsoKnownAs: ['at://v9.example.com'] }))
    world.resolver.purge(did)
    world.clock.now += 2 * minute
    expect((await world.directory.resolveHandle('v1.example.com')).did).toBe(other)
  })

  it('asked for by many at once are looked up once', async () => {
    await using world = await setUp()
    const all = Array.from({ length: 50 }, () => world.directory.resolveHandle('v1.example.com'))
    expect(new Set((await Promise.all(all)).map(found => found.did))).toEqual(new Set([did]))
    expect(asked(world, 'v1.example.com')).toBe(1)
    expect(world.plc.requestsFor(did)).toBe(1)
  })
})

describe('age', () => {
  it('fresh ones are served without a request, stale ones with one in the background', async () => {
    await using world = await setUp()
    await world.directory.miniDoc(did)
    world.clock.now += 4 * hour - 1
    await world.directory.miniDoc(did)
    await world.settled()
    expect([world.plc.requestsFor(did), asked(world, 'v1.example.com')]).toEqual([1, 1])
    world.clock.now += 1
    world.plc.version = 2
    world.claim('v2.example.com', did)
    const served = await Promise.all(Array.from({ length: 20 }, () => world.directory.miniDoc(did)))
    expect(new Set(served.map(mini => mini.handle))).toEqual(new Set(['v1.example.com']))
    await world.settled()
    expect([world.plc.requestsFor(did), asked(world, 'v1.example.com')]).toEqual([2, 2])
    expect((await world.directory.miniDoc(did)).handle).toBe('v2.example.com')
  })

  it('a refresh that fails keeps what there is, until it is too old', async () => {
    await using world = await setUp()
    await world.directory.identity(did)
    world.plc.all = status(500)
    world.clock.now += 5 * hour
    expect((await world.directory.identity(did)).handle).toBe('v1.example.com')
    await world.settled()
    expect(world.directory.stats().failed).toBe(1)
    expect((await world.directory.identity(did)).handle).toBe('v1.example.com')
    world.clock.now += 8 * 24 * hour
    expect(await codeOf(world.directory.identity(did))).toBe('http_error')
  })

  it('above the maximum is not served before it was asked for again', async () => {
    await using world = await setUp()
    await world.directory.identity(did)
    world.plc.version = 2
    world.clock.now += 25 * hour
    expect((await world.directory.identity(did)).handle).toBe('v2.example.com')
  })
})

describe('changes', () => {
  it('are asked for at once of accounts that somebody asked for, of others when somebody does', async () => {
    await using world = await setUp()
    await world.directory.identity(did)
    world.plc.version = 2
    for (let i = 0; i < 10; i++) world.directory.changed(did, 'v2.example.com')
    world.directory.changed(other)
    await world.settled()
    // The first change has it asked for at once, those after it once more together.
    expect(world.plc.requestsFor(did)).toBe(3)
    expect(world.plc.requestsFor(other)).toBe(0)
    expect((await world.directory.identity(did)).handle).toBe('v2.example.com')
    expect(world.plc.requestsFor(did)).toBe(3)
  })

  it('of a handle that led nowhere are seen at once', async () => {
    await using world = await setUp()
    world.plc.version = 2
    expect(await codeOf(world.directory.resolveHandle('v2.example.com'))).toBe('handle_not_found')
    world.claim('v2.example.com', did)
    world.directory.changed(did, 'V2.example.com')
    expect((await world.directory.resolveHandle('v2.example.com')).did).toBe(did)
  })

  it.each([
    ['another id', { id: other }],
    ['no handle', { alsoKnownAs: undefined }],
    ['no PDS', { service: 'none' }],
    ['no key', { verificationMethod: [{}] }],
    ['nothing of a document', { id: undefined }],
  ])('to a document with %s hold up nobody', async (_what, change) => {
    await using world = await setUp()
    const healthy = plcDid(4)
    await Promise.all([world.directory.identity(did), world.directory.identity(healthy)])
    world.plc.answers.set(did, document({ ...documentOf(did), ...change }))
    world.plc.version = 2
    world.directory.changed(did)
    world.directory.changed(healthy)
    await world.settled()
    // Once for each, and no more: the one that is odd is not asked for again and again.
    expect(world.plc.requestsFor(did)).toBe(2)
    expect((await world.directory.identity(healthy)).handle).toBe('v2.example.com')
    expect(world.plc.requestsFor(healthy)).toBe(2)
  })

  it('in a flood cost no request for accounts that nobody asked for, and bounded memory', async () => {
    await using world = await setUp()
    for (let i = 0; i < 100_000; i++) world.directory.changed(plcDid(1_000 + i), `u${i}.example.com`)
    expect(world.plc.paths).toEqual([])
    expect(world.directory.stats()).toMatchObject({ queued: 0, running: 0, refused: 0 })
  })

  it('that no event told of are seen by a refresh', async () => {
    await using world = await setUp()
    await world.directory.miniDoc(did)
    world.plc.version = 2
    world.claim('v2.example.com', did)
    expect((await world.directory.refresh(did)).handle).toBe('v2.example.com')
    expect((await world.directory.miniDoc(did)).handle).toBe('v2.example.com')
  })
})

it('knows after a restart what it knew before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'directory-'))
  const open = () => ({
    documents: openDocumentStore(join(folder, 'documents.sqlite')),
    handles: openDocumentStore(join(folder, 'handles.sqlite')),
  })
  for (const requests of [1, 0]) {
    const stores = open()
    await using world = await setUp(stores)
    expect((await world.directory.resolveHandle('v1.example.com')).did).toBe(did)
    expect([world.plc.requestsFor(did), asked(world, 'v1.example.com')]).toEqual([requests, requests])
    await stores.documents[Symbol.asyncDispose]()
    await stores.handles[Symbol.asyncDispose]()
  }
  rmSync(folder, { recursive: true })
})

it('keeps handles as a store in memory does', () => {
  const store = handlesIn(createMemoryDocumentStore())
  store.put('a.example.com', { did, fetchedAt: 5 })
  expect(store.get('a.example.com')).toEqual({ did, fetchedAt: 5 })
  store.delete('a.example.com')
  expect(store.get('a.example.com')).toBeUndefined()
})
