import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, simpleFetchHandler } from '@atcute/client'
import { AtpAgent } from '@atproto/api'
import {
  type Account,
  createAccount,
  type FirehoseTap,
  type Network,
  type Pds,
  startNetwork,
  startPds,
  tapFirehose,
  waitFor,
} from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startDns } from '../../../packages/identity/test/util/dns-server.ts'
import { startTestConstellation, type TestConstellation } from '../../constellation/test/harness.ts'
import type { Flags } from '@orrery/server/testing'
import { startTestSlingshot, type TestSlingshot } from './harness.ts'
import { migrate } from './migration.ts'
import { startScriptedPds } from './scripted-pds.ts'

// Everything against a real PLC and two real PDSes, whose handles a real name server knows.

const recordPath = '/xrpc/com.atproto.repo.getRecord'
const mini = '/xrpc/blue.microcosm.identity.resolveMiniDoc'

/** What the firehose of a PDS has told has to be seen within this time. */
const soonMs = 1_000

let stack: AsyncDisposableStack
let network: Network
let firehose: FirehoseTap
let second: Pds
let slingshot: TestSlingshot
let flags: Flags
let alice: Account
let bob: Account
let carol: Account
/** Writes before the service was there. */
let early: { uri: string; cid: string }

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  network = stack.use(await startNetwork({ accounts: 3 }))
  firehose = stack.use(await tapFirehose(network.pds.url))
  // To check who is coming it asks the PLC, and a PDS asks no bare address.
  const plcUrl = network.plc.url.replace('127.0.0.1', 'localhost')
  second = stack.use(await startPds({ plcUrl }))
  ;[alice, bob, carol] = network.accounts as [Account, Account, Account]
  early = await alice.post('before anybody listened')
  const dns = stack.use(await startDns())
  dns.otherwise = async name => {
    const handle = name.replace(/^_atproto\./, '')
    for (const { url } of [second, network.pds]) {
      const { identity } = new AtpAgent({ service: url }).com.atproto
      const other = await identity.resolveHandle({ handle }).catch(() => undefined)
      if (other) return [`did=${other.data.did}`]
    }
    return undefined
  }
  const ws = (url: string): string => url.replace('http', 'ws')
  flags = {
    source: ws(network.pds.url),
    'plc-url': network.plc.url,
    dns: dns.address,
    'allow-private-hosts': true,
  }
  slingshot = stack.use(await startTestSlingshot(flags))
  await waitFor(() => slingshot.service.isTrusted(), { timeoutMs: 15_000 })
}, 90_000)
afterAll(() => stack.disposeAsync())

async function get(
  uri: string,
  from = slingshot,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const [repo, collection, rkey] = uri.slice('at://'.length).split('/') as [string, string, string]
  return from.ask(recordPath, { repo, collection, rkey })
}
/** Does `act` and waits until the firehose has told of it, as a PDS tells up to a second later. */
const told = (did: string, act: () => Promise<unknown>): Promise<unknown> =>
  firehose.told(act, ({ body }) => body.did === did || body.repo === did)
const soon = (condition: () => Promise<boolean>): Promise<unknown> =>
  waitFor(condition, { timeoutMs: soonMs })

describe('records', () => {
  it('are resolved cold and warm, and are what the PDS has', async () => {
    const truth = await alice.agent.com.atproto.repo.getRecord({
      repo: alice.did,
      collection: 'app.bsky.feed.post',
      rkey: early.uri.split('/').at(-1)!,
    })
    const cold = await get(early.uri)
    expect(cold).toEqual({ status: 200, body: JSON.parse(JSON.stringify(truth.data)) })
    const fetches = await slingshot.total('slingshot_fetches_total')
    expect(await get(early.uri)).toEqual(cold)
    expect(await slingshot.total('slingshot_fetches_total')).toBe(fetches)
    expect(await get(early.uri.replace(/[^/]+$/, '3kmissing2222'))).toMatchObject({
      status: 400,
      body: { error: 'RecordNotFound', message: expect.stringContaining('Could not locate record') },
    })
  })

  it('that are created, changed and deleted are so here within a second', async () => {
    const fetches = await slingshot.total('slingshot_fetches_total')
    const write = (description: string) => carol.updateProfile({ description })
    const uri = `at://${carol.did}/app.bsky.actor.profile/self`
    for (const description of ['one', 'two']) {
      let cid = ''
      await told(carol.did, async () => ({ cid } = await write(description)))
      await soon(async () => (await get(uri)).body.cid === cid)
    }
    await told(carol.did, () => carol.deleteRecord(uri))
    await soon(async () => (await get(uri)).body.error === 'RecordNotFound')
    // What was asked too early went to the PDS; all the same nothing stale came of it.
    expect((await slingshot.total('slingshot_fetches_total')) - fetches).toBeLessThanOrEqual(3)
  })

  it('are fetched as proofs where that is asked for, which is said', async () => {
    await using verifying = await startTestSlingshot({ ...flags, 'verify-fetched': true })
    const [repo, collection, rkey] = early.uri.slice('at://'.length).split('/') as [string, string, string]
    const response = await verifying.fetch(recordPath, { repo, collection, rkey })
    expect([response.status, response.headers.get('x-record-verified')]).toEqual([200, 'true'])
    expect(await response.json()).toEqual((await get(early.uri)).body)
    expect((await verifying.ask(recordPath, { repo, collection, rkey: 'nope' })).body).toMatchObject({
      error: 'RecordNotFound',
      message: expect.stringContaining('There is no such record'),
    })
  })

  it('come with their proof, checked and as the PDS has it', async () => {
    const [did, collection, rkey] = early.uri.slice('at://'.length).split('/') as [string, string, string]
    const response = await slingshot.fetch('/xrpc/com.atproto.sync.getRecord', { did, collection, rkey })
    expect(response.headers.get('content-type')).toBe('application/vnd.ipld.car')
    const truth = await alice.agent.com.atproto.sync.getRecord({ did, collection, rkey })
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(truth.data))).toBe(true)
  })
})

describe('identities', () => {
  it('are resolved cold and warm, by DID and by handle', async () => {
    const byDid = await slingshot.ask(mini, { identifier: bob.did })
    expect(byDid).toMatchObject({
      status: 200,
      body: { did: bob.did, handle: bob.handle, pds: network.pds.url },
    })
    expect(await slingshot.ask(mini, { identifier: bob.handle })).toEqual(byDid)
  })

  it('change their handle within a second', async () => {
    const before = bob.handle
    await told(bob.did, () => bob.changeHandle('bobby'))
    await soon(async () => (await slingshot.ask(mini, { identifier: bob.did })).body.handle === 'bobby.test')
    expect((await slingshot.ask(mini, { identifier: 'bobby.test' })).body.did).toBe(bob.did)
    expect((await slingshot.ask(mini, { identifier: before })).status).toBe(400)
  })
})

describe('clients', () => {
  it('@atproto/api reads records, identities and proofs', async () => {
    const agent = new AtpAgent({ service: slingshot.service.url })
    const [repo, collection, rkey] = early.uri.slice('at://'.length).split('/') as [string, string, string]
    const record = await agent.com.atproto.repo.getRecord({ repo, collection, rkey })
    expect(record.data.cid).toBe(early.cid)
    expect((await agent.com.atproto.identity.resolveHandle({ handle: alice.handle })).data.did).toBe(
      alice.did,
    )
    expect((await agent.com.atproto.identity.resolveIdentity({ identifier: alice.handle })).data.did).toBe(
      alice.did,
    )
    expect((await agent.com.atproto.identity.resolveDid({ did: alice.did })).data.didDoc).toMatchObject({
      id: alice.did,
    })
    expect(
      (await agent.com.atproto.sync.getRecord({ did: repo, collection, rkey })).data.length,
    ).toBeGreaterThan(100)
    await expect(agent.com.atproto.repo.getRecord({ repo, collection, rkey: 'nope' })).rejects.toMatchObject({
      error: 'RecordNotFound',
    })
  })

  it('@atcute/client does too', async () => {
    const rpc = new Client({ handler: simpleFetchHandler({ service: slingshot.service.url }) })
    const query = rpc.get.bind(rpc) as unknown as (
      name: string,
      options: { params: object },
    ) => Promise<{ ok: boolean; data: Record<string, unknown> }>
    const [repo, collection, rkey] = early.uri.slice('at://'.length).split('/')
    expect(await query('com.atproto.repo.getRecord', { params: { repo, collection, rkey } })).toMatchObject({
      ok: true,
      data: { cid: early.cid },
    })
    expect(
      await query('com.bad-example.identity.resolveMiniDoc', { params: { identifier: alice.did } }),
    ).toMatchObject({
      ok: true,
      data: { handle: alice.handle },
    })
    expect(
      await query('com.atproto.identity.resolveHandle', { params: { handle: 'nobody.test' } }),
    ).toMatchObject({
      ok: false,
      data: { error: 'HandleNotFound' },
    })
  })
})

it('hydrates a page of our Constellation', async () => {
  const constellation: TestConstellation = stack.use(
    await startTestConstellation({
      source: flags.source as string,
      'plc-url': network.plc.url,
      'allow-private-hosts': true,
    }),
  )
  const directory = stack.use(await startScriptedPds())
  const did = `did:web:localhost%3A${directory.port}`
  const service = [
    { id: '#constellation', type: 'ConstellationGraphService', serviceEndpoint: constellation.service.url },
  ]
  directory.answer = (_request, response) => void response.end(JSON.stringify({ id: did, service }))
  await waitFor(() => constellation.service.health().status === 'ok')

  const post = await alice.post('like me')
  const likes = [await bob.like(post), await carol.like(post)]
  const query = {
    xrpc: 'blue.microcosm.links.getBacklinks',
    atproto_proxy: `${did}#constellation`,
    params: { subject: post.uri, source: 'app.bsky.feed.like:subject.uri', limit: 1 },
    hydration_sources: [
      { path: 'records[]', shape: 'at-uri-parts' },
      { path: 'records[].did', shape: 'did' },
    ],
  }
  type Page = {
    output: { total: number; cursor: string | null }
    records: Record<string, { status: string; value: { subject: { uri: string } } }>
    identifiers: Record<string, { handle: string }>
  }
  const ask = (params: object): Promise<{ status: number; body: Page }> =>
    slingshot.post('/xrpc/com.bad-example.proxy.hydrateQueryResponse', { ...query, params })
  await waitFor(async () => (await ask(query.params)).body.output.total === 2)
  const first = await ask(query.params)
  expect(first.status).toBe(200)
  const next = await ask({ ...query.params, cursor: first.body.output.cursor })
  const records = { ...first.body.records, ...next.body.records }
  expect(Object.keys(records).toSorted()).toEqual(likes.map(like => like.uri).toSorted())
  for (const { status, value } of Object.values(records))
    expect([status, value.subject.uri]).toEqual(['found', post.uri])
  const identifiers = { ...first.body.identifiers, ...next.body.identifiers }
  expect(identifiers[carol.did]).toMatchObject({ status: 'found', handle: carol.handle })
}, 60_000)

describe('accounts', () => {
  it('that are deactivated, taken down or deleted are not served within a second, and are when they are back', async () => {
    const dan = await createAccount(network, 'danny')
    let uri = ''
    await told(dan.did, async () => ({ uri } = await dan.post('here')))
    await soon(async () => (await get(uri)).status === 200)
    await told(dan.did, () => dan.deactivate())
    await soon(async () => (await get(uri)).body.error === 'RepoDeactivated')
    await told(dan.did, () => dan.reactivate())
    await soon(async () => (await get(uri)).status === 200)
    await told(dan.did, () => dan.takedown())
    await soon(async () => (await get(uri)).body.error === 'RepoTakendown')
    await told(dan.did, () => dan.restore())
    await soon(async () => (await get(uri)).status === 200)
    await told(dan.did, () => dan.deleteAccount())
    await soon(async () => (await get(uri)).body.error === 'RepoNotFound')
    expect(
      (
        await slingshot.fetch('/xrpc/com.atproto.sync.getRecord', {
          did: dan.did,
          collection: 'app.bsky.feed.post',
          rkey: uri.split('/').at(-1)!,
        })
      ).status,
    ).toBe(400)
  })

  it('that move to another PDS are asked for there within a second', async () => {
    await using both = await startTestSlingshot({
      ...flags,
      source: [network.pds, second].map(({ url }) => url.replace('http', 'ws')),
      merge: true,
    })
    const erin = await createAccount(network, 'erin')
    const kept = await erin.post('comes along')
    await waitFor(async () => (await get(kept.uri, both)).status === 200)
    expect((await both.ask(mini, { identifier: erin.did })).body.pds).toBe(network.pds.url)
    const agent = await migrate(erin, network.pds, second, network.plc)
    await soon(async () => (await both.ask(mini, { identifier: erin.did })).body.pds === second.url)
    await soon(async () => (await get(kept.uri, both)).body.cid === kept.cid)
    await using there = await tapFirehose(second.url)
    const record = { text: 'from here', createdAt: new Date().toISOString() }
    const write = { repo: erin.did, collection: 'app.bsky.feed.post', record }
    let moved = { uri: '', cid: '' }
    await there.told(
      async () => (moved = (await agent.com.atproto.repo.createRecord(write)).data),
      ({ body }) => body.repo === erin.did,
    )
    await soon(async () => (await get(moved.uri, both)).body.cid === moved.cid)
    expect(both.failures).toEqual([])
  }, 60_000)
})

it('a restart never serves what was deleted or changed while it was down, and keeps the rest', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'slingshot-restart-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const gone = await bob.post('to be deleted')
  const goneToo = await bob.post('to be deleted, and not asked for before all is taken in')
  const stays = await bob.post('stays')
  const profile = `at://${bob.did}/app.bsky.actor.profile/self`
  {
    await using before = await startTestSlingshot({ ...flags, 'data-dir': dataDir })
    await waitFor(() => before.service.isTrusted(), { timeoutMs: 15_000 })
    await told(bob.did, () => bob.updateProfile({ description: 'old' }))
    for (const uri of [gone.uri, goneToo.uri, stays.uri, profile]) {
      await waitFor(async () => (await get(uri, before)).status === 200)
    }
  }
  for (const { uri } of [gone, goneToo]) await told(bob.did, () => bob.deleteRecord(uri))
  let cid = ''
  await told(bob.did, async () => ({ cid } = await bob.updateProfile({ description: 'new' })))
  await using after = await startTestSlingshot({ ...flags, 'data-dir': dataDir })
  for (let isLast = false; !isLast;) {
    isLast = after.service.isTrusted()
    expect((await get(gone.uri, after)).body.error).toBe('RecordNotFound')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  expect((await get(goneToo.uri, after)).body.error).toBe('RecordNotFound')
  expect((await get(profile, after)).body.cid).toBe(cid)
  expect((await get(stays.uri, after)).body.cid).toBe(stays.cid)
  expect(after.failures).toEqual([])
}, 60_000)

it('nothing of it was a failure of ours', () => {
  expect(slingshot.failures).toEqual([])
})
