import { waitFor } from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json } from './scripted-pds.ts'
import { documentOf, startWorld, type TestAccount, type World } from './world.ts'

const mini = '/xrpc/blue.microcosm.identity.resolveMiniDoc'
const handlePath = '/xrpc/com.atproto.identity.resolveHandle'
const didPath = '/xrpc/com.atproto.identity.resolveDid'
const identityPath = '/xrpc/com.atproto.identity.resolveIdentity'
const refreshPath = '/xrpc/com.atproto.identity.refreshIdentity'
const servicePath = '/xrpc/com.bad-example.identity.resolveService'

let world: World
let alice: TestAccount
beforeAll(async () => {
  world = await startWorld()
  alice = world.account('alice')
}, 30_000)
afterAll(() => world[Symbol.asyncDispose]())

const refused = (error: string) => ({ status: 400, body: { error, message: expect.any(String) } })
const setDocument = (of: TestAccount, change: object): void =>
  world.plc.set({ ...documentOf(of.did, of.handle, of.repo, world.pds.url), ...change })

describe('resolveMiniDoc', () => {
  it('answers by DID and handle', async () => {
    const body = {
      did: alice.did,
      handle: alice.handle,
      pds: world.pds.url,
      signing_key: alice.repo.key.multikey,
    }
    expect(await world.slingshot.ask(mini, { identifier: alice.did })).toEqual({ status: 200, body })
    expect(await world.slingshot.ask(mini, { identifier: 'Alice.TEST' })).toEqual({ status: 200, body })
  })

  it.each([
    ['another account that claims it', 'thief'],
    ['another that does not', 'other'],
    ['nobody', undefined],
    ['a server that fails', 'SERVFAIL'],
  ])('a DID whose handle leads to %s has handle.invalid', async (_what, target) => {
    const victim = world.account(`victim${target ?? ''}`.toLowerCase())
    const leadsTo = target === 'SERVFAIL' || target === undefined ? undefined : world.account(target)
    if (target === 'thief') setDocument(leadsTo!, { alsoKnownAs: [`at://${victim.handle}`] })
    if (leadsTo) world.dns.names.set(`_atproto.${victim.handle}`, [`did=${leadsTo.did}`])
    else if (target === 'SERVFAIL') world.dns.names.set(`_atproto.${victim.handle}`, 'SERVFAIL')
    else world.dns.names.delete(`_atproto.${victim.handle}`)
    const { status, body } = await world.slingshot.ask(mini, { identifier: victim.did })
    expect([status, body.handle, body.did]).toEqual([200, 'handle.invalid', victim.did])
    // By the handle it is nobody, or the one who claims it.
    const byHandle = await world.slingshot.ask(mini, { identifier: victim.handle })
    const nobodys = target === 'SERVFAIL' ? 502 : 400
    expect(byHandle.body.did ?? byHandle.status).toBe(target === 'thief' ? leadsTo!.did : nobodys)
  })

  it('a DID without a handle has it too; one without PDS or key, or that is none, is a 400', async () => {
    const bare = world.account('bare')
    setDocument(bare, { alsoKnownAs: [] })
    expect((await world.slingshot.ask(mini, { identifier: bare.did })).body.handle).toBe('handle.invalid')
    const homeless = world.account('homeless')
    setDocument(homeless, { service: [] })
    const keyless = world.account('keyless')
    setDocument(keyless, { verificationMethod: [] })
    const nobody = `did:plc:${'z'.repeat(24)}`
    for (const identifier of [
      homeless.did,
      keyless.did,
      nobody,
      'did:key:z6Mk',
      'nobody.test',
      'x',
      'a.onion',
    ]) {
      expect(await world.slingshot.ask(mini, { identifier })).toEqual(refused('InvalidRequest'))
    }
    expect(await world.slingshot.ask(mini, { handle: alice.handle })).toEqual(refused('InvalidRequest'))
  })

  it('reads odd documents: a string as @context, ids without DID, services of any shape', async () => {
    const odd = world.account('odd')
    const { verificationMethod, service } = documentOf(odd.did, odd.handle, odd.repo, world.pds.url)
    setDocument(odd, {
      '@context': 'https://www.w3.org/ns/did/v1',
      verificationMethod: [
        7,
        { id: '#atproto', type: 'Multikey', publicKeyMultibase: verificationMethod[0]!.publicKeyMultibase },
      ],
      service: [
        { id: '#x', serviceEndpoint: { a: 1 } },
        { ...service[0]!, id: `${odd.did}#atproto_pds` },
      ],
    })
    expect((await world.slingshot.ask(mini, { identifier: odd.did })).status).toBe(200)
  })
})

describe('the methods of atproto', () => {
  it('resolveHandle', async () => {
    expect(await world.slingshot.ask(handlePath, { handle: 'ALICE.test' })).toEqual({
      status: 200,
      body: { did: alice.did },
    })
    expect(await world.slingshot.ask(handlePath, { handle: 'nobody.test' })).toEqual(
      refused('HandleNotFound'),
    )
    expect(await world.slingshot.ask(handlePath, { handle: 'x' })).toEqual(refused('InvalidRequest'))
    const asked = world.dns.asked.length
    expect(await world.slingshot.ask(handlePath, { handle: 'x.local' })).toEqual(refused('HandleNotFound'))
    expect(world.dns.asked.length).toBe(asked)
    world.dns.names.set('_atproto.broken.test', 'SERVFAIL')
    expect((await world.slingshot.ask(handlePath, { handle: 'broken.test' })).status).toBeGreaterThanOrEqual(
      500,
    )
    world.dns.names.set('_atproto.two.test', [`did=${alice.did}`, 'did=did:web:example.com'])
    expect(await world.slingshot.ask(handlePath, { handle: 'two.test' })).toEqual(refused('HandleNotFound'))
    world.dns.names.set('_atproto.claim.test', [`did=${alice.did}`])
    expect(await world.slingshot.ask(handlePath, { handle: 'claim.test' })).toEqual(refused('HandleNotFound'))
  })

  it('resolveDid, with the whole document', async () => {
    const { body } = await world.slingshot.ask(didPath, { did: alice.did })
    expect(body).toEqual({ didDoc: documentOf(alice.did, alice.handle, alice.repo, world.pds.url) })
    expect(await world.slingshot.ask(didPath, { did: `did:plc:${'y'.repeat(24)}` })).toEqual(
      refused('DidNotFound'),
    )
    const gone = world.account('gone')
    world.plc.tombstone(gone.did)
    expect(await world.slingshot.ask(didPath, { did: gone.did })).toEqual(refused('DidDeactivated'))
    expect(await world.slingshot.ask(didPath, { did: alice.handle })).toEqual(refused('InvalidRequest'))
  })

  it.each(['did:web:example.com:u:alice', 'did:web:example.com%3A8443', 'did:web:10.0.0.1'])(
    '%s is no DID of atproto, and nobody is asked',
    async did => {
      expect(await world.slingshot.ask(didPath, { did })).toEqual(refused('InvalidRequest'))
    },
  )

  it('resolveDid of a did:web', async () => {
    const did = `did:web:localhost%3A${world.pds.port}`
    world.pds.answer = json(200, { '@context': 'https://www.w3.org/ns/did/v1', id: did, service: [] })
    expect((await world.slingshot.ask(didPath, { did })).body).toMatchObject({ didDoc: { id: did } })
    world.pds.answer = undefined
  })

  it('resolveIdentity and refreshIdentity, which sees what no event told of', async () => {
    const bob = world.account('bob')
    const info = await world.slingshot.ask(identityPath, { identifier: bob.handle })
    expect(info.body).toMatchObject({ did: bob.did, handle: bob.handle, didDoc: { id: bob.did } })
    setDocument(bob, { alsoKnownAs: ['at://robert.test'] })
    world.dns.names.set('_atproto.robert.test', [`did=${bob.did}`])
    expect((await world.slingshot.ask(identityPath, { identifier: bob.did })).body.handle).toBe(bob.handle)
    const fresh = await world.slingshot.post(refreshPath, { identifier: bob.did })
    expect(fresh).toMatchObject({ status: 200, body: { handle: 'robert.test' } })
    expect((await world.slingshot.ask(identityPath, { identifier: bob.did })).body.handle).toBe('robert.test')
    expect(await world.slingshot.ask(identityPath, { identifier: 'nobody.test' })).toEqual(
      refused('HandleNotFound'),
    )
  })

  it('resolveService', async () => {
    expect(await world.slingshot.ask(servicePath, { did: alice.did, id: '#atproto_pds' })).toEqual({
      status: 200,
      body: { endpoint: world.pds.url },
    })
    const whole = { did: alice.did, id: `${alice.did}#atproto_pds`, type: 'AtprotoPersonalDataServer' }
    expect((await world.slingshot.ask(servicePath, whole)).status).toBe(200)
    expect(await world.slingshot.ask(servicePath, { ...whole, type: 'Other' })).toEqual(
      refused('ServiceNotFound'),
    )
    expect(await world.slingshot.ask(servicePath, { did: alice.did, id: '#x' })).toEqual(
      refused('ServiceNotFound'),
    )
    expect(await world.slingshot.ask(servicePath, { did: alice.did, id: 'x' })).toEqual(
      refused('InvalidRequest'),
    )
    const unknown = { did: `did:plc:${'x'.repeat(24)}`, id: '#atproto_pds' }
    expect(await world.slingshot.ask(servicePath, unknown)).toEqual(refused('DidNotFound'))
  })
})

describe('identity events', () => {
  it('have a new handle and PDS known at once', async () => {
    const carol = world.account('carol')
    await world.slingshot.ask(mini, { identifier: carol.did })
    setDocument(carol, { alsoKnownAs: ['at://caroline.test'] })
    world.dns.names.set('_atproto.caroline.test', [`did=${carol.did}`])
    carol.changed('caroline.test')
    await waitFor(async () => {
      const { body } = await world.slingshot.ask(mini, { identifier: carol.did })
      return body.handle === 'caroline.test'
    })
    expect((await world.slingshot.ask(handlePath, { handle: 'caroline.test' })).body.did).toBe(carol.did)
    expect(await world.slingshot.ask(handlePath, { handle: carol.handle })).toEqual(refused('HandleNotFound'))
  })

  it('with a document that is none hold up no other, and cost nothing where nobody asked', async () => {
    const dan = world.account('dan')
    const erin = world.account('erin')
    await Promise.all([dan, erin].map(of => world.slingshot.ask(mini, { identifier: of.did })))
    setDocument(dan, { alsoKnownAs: 7, service: null, verificationMethod: {} })
    setDocument(erin, { alsoKnownAs: ['at://erika.test'] })
    world.dns.names.set('_atproto.erika.test', [`did=${erin.did}`])
    dan.changed()
    erin.changed('erika.test')
    const unknown = world.account('unknown')
    for (let i = 0; i < 200; i++) unknown.changed(`u${i}.test`)
    await world.settled()
    await waitFor(async () => {
      const { body } = await world.slingshot.ask(mini, { identifier: erin.did })
      return body.handle === 'erika.test'
    })
    expect(world.plc.requests.get(unknown.did) ?? 0).toBe(0)
    expect(world.plc.requests.get(dan.did)).toBeLessThanOrEqual(4)
  })
})
