import { subscribe } from 'node:diagnostics_channel'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccount, signIn } from './account.ts'
import type { DidDocument } from './did-document.ts'
import { type FirehoseTap, tapFirehose } from './firehose-tap.ts'
import type { Frame } from './frame.ts'
import { type Network, sampleName, startNetwork } from './network.ts'
import { startPds } from './pds.ts'
import { startPlc } from './plc.ts'
import { waitFor } from './wait.ts'

/** Every host that this process looks up or connects to. */
const hosts = new Set<string>()
subscribe('net.client.socket', message => {
  const { socket } = message as { socket: Socket }
  socket.on('lookup', (_error, _address, _family, host) => hosts.add(host))
  socket.on('connect', () => hosts.add(socket.remoteAddress ?? 'unknown'))
})

let network: Network
let firehose: FirehoseTap
beforeAll(async () => {
  network = await startNetwork()
  firehose = await tapFirehose(network.pds.url)
})
afterAll(async () => {
  await firehose[Symbol.asyncDispose]()
  await network[Symbol.asyncDispose]()
})

const typeOf = ({ header }: Frame): unknown => header.t
const didOf = ({ body }: Frame): unknown => body.did ?? body.repo

/** The commit that the PDS sent for a write. */
async function commitOf(did: string, rev: string | undefined): Promise<Frame> {
  return firehose.waitFor(message => didOf(message) === did && message.body.rev === rev)
}

async function documentOf(did: string): Promise<DidDocument> {
  return (await (await fetch(`${network.plc.url}/${did}`)).json()) as DidDocument
}

describe('startNetwork', () => {
  it('has its accounts in the PLC, with the PDS as their home', async () => {
    const [alice, bob] = network.accounts
    expect([alice?.handle, bob?.handle]).toEqual(['alice.test', 'bob.test'])
    const document = await documentOf(alice!.did)
    expect(document.alsoKnownAs).toEqual(['at://alice.test'])
    expect(document.service[0]?.serviceEndpoint).toBe(network.pds.url)
    expect(document.verificationMethod[0]).toMatchObject({
      id: `${alice!.did}#atproto`,
      type: 'Multikey',
      publicKeyMultibase: expect.stringMatching(/^zQ3s/) as string,
    })
  })

  it('has names for any number of accounts', () => {
    const names = Array.from({ length: 100 }, (_, i) => sampleName(i))
    expect(new Set(names).size).toBe(100)
    expect([names[0], names[20]]).toEqual(['alice', 'alice-2'])
  })
})

describe('records', () => {
  it('travel through the firehose as commits', async () => {
    const [alice, bob] = network.accounts
    const post = await alice!.post('hello', { langs: ['en', 'de'] })
    expect(post.record).toMatchObject({ $type: 'app.bsky.feed.post', text: 'hello', langs: ['en', 'de'] })
    const like = await bob!.like(post)
    const repost = await bob!.repost(post)
    const follow = await bob!.follow(alice!.did)
    const profile = await alice!.updateProfile({ displayName: 'Alice' })
    const gone = await bob!.deleteRecord(like.uri)

    const cases = [
      [alice!, post, 'create', /^app\.bsky\.feed\.post\//],
      [bob!, like, 'create', /^app\.bsky\.feed\.like\//],
      [bob!, repost, 'create', /^app\.bsky\.feed\.repost\//],
      [bob!, follow, 'create', /^app\.bsky\.graph\.follow\//],
      [alice!, profile, 'create', /^app\.bsky\.actor\.profile\/self$/],
      [bob!, gone, 'delete', /^app\.bsky\.feed\.like\//],
    ] as const
    for (const [{ did }, written, action, path] of cases) {
      const { header, body } = await commitOf(did, written.rev)
      const cid = 'cid' in written ? { $link: written.cid } : null
      expect(header).toEqual({ op: 1, t: '#commit' })
      expect(body.ops).toMatchObject([{ action, cid, path: expect.stringMatching(path) as string }])
    }
  })

  it('can be written many at a time, and replaced', async () => {
    const [alice] = network.accounts
    const collection = 'com.example.thing'
    const { rev } = await alice!.applyWrites([
      { action: 'create', collection, rkey: 'a', record: { n: 1 } },
      { action: 'create', collection, record: { n: 2 } },
    ])
    expect((await commitOf(alice!.did, rev)).body.ops).toHaveLength(2)
    const next = await alice!
      .applyWrites([
        { action: 'update', collection, rkey: 'a', record: { n: 3 } },
        { action: 'delete', collection, rkey: 'b' },
      ])
      .catch((error: unknown) => error)
    expect(next).toBeInstanceOf(Error)
    const put = await alice!.putRecord(collection, 'a', { n: 3 })
    const [op] = (await commitOf(alice!.did, put.rev)).body.ops as { action: string }[]
    expect(op?.action).toBe('update')
    expect((await alice!.putRecord(collection, 'a', { n: 3 })).rev).toBeUndefined()
    expect((await alice!.deleteRecord(`at://${alice!.did}/${collection}/none`)).rev).toBeUndefined()
    await expect(alice!.deleteRecord('at://did:plc:a')).rejects.toThrow(TypeError)
  })
})

describe('accounts', () => {
  it('change their handle: #identity and the PLC', async () => {
    const account = await createAccount(network, 'wanda')
    await account.changeHandle('wendy')
    const { header } = await firehose.waitFor(({ body }) => body.handle === 'wendy.test')
    expect(header).toEqual({ op: 1, t: '#identity' })
    expect(account.handle).toBe('wendy.test')
    expect((await documentOf(account.did)).alsoKnownAs).toEqual(['at://wendy.test'])
  })

  it('come and go: #account at each step', async () => {
    const account = await createAccount(network, 'victor')
    const { did } = account
    const statuses = (): unknown[] =>
      firehose.messages
        .filter(message => typeOf(message) === '#account' && didOf(message) === did)
        .map(({ body }) => body.status ?? body.active)
    const steps = [
      [() => account.deactivate(), 'deactivated'],
      [() => account.reactivate(), true],
      [() => account.takedown(), 'takendown'],
      [() => account.restore(), true],
      [() => account.deleteAccount(), 'deleted'],
    ] as const
    const expected: unknown[] = [true]
    for (const [step, status] of steps) {
      await waitFor(() => statuses().length === expected.length)
      await step()
      expected.push(status)
    }
    await waitFor(() => statuses().length === expected.length)
    expect(statuses()).toEqual(expected)
    await expect(account.post('from beyond')).rejects.toThrow('Account not found')
    // The PDS gives no DID back to the PLC.
    expect((await documentOf(did)).id).toBe(did)
  })

  it('are refused as the PDS refuses', async () => {
    await expect(createAccount(network, 'al')).rejects.toMatchObject({ error: 'InvalidHandle' })
    await expect(createAccount(network, 'alice')).rejects.toThrow('taken')
    await expect(signIn(network, 'alice', 'wrong')).rejects.toMatchObject({ error: 'AuthenticationRequired' })
    const again = await signIn(network, 'alice')
    expect(again.did).toBe(network.accounts[0]?.did)
  })
})

describe('startPds', () => {
  it('goes on where it was after an outage, and in another process’s place', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'testnet-test-'))
    try {
      const options = { plcUrl: network.plc.url, dataDir }
      let port: number
      let account
      let last: unknown
      {
        await using pds = await startPds(options)
        port = pds.port
        account = await createAccount({ pds }, 'sleeper')
        await pds.stop()
        await expect(account.post('to nobody')).rejects.toThrow('fetch failed')
        await pds.start()
        const { rev } = await account.post('back again')
        await using tap = await tapFirehose(pds.url, { cursor: 0 })
        last = (await tap.waitFor(({ body }) => body.rev === rev)).body.seq
        expect(tap.messages.map(typeOf)).toEqual(['#identity', '#account', '#commit', '#sync', '#commit'])
      }
      await using pds = await startPds({ ...options, port })
      expect(pds.url).toBe(`http://localhost:${port}`)
      const { rev } = await account.post('and again')
      await using tap = await tapFirehose(pds.url, { cursor: Number(last) })
      const { body } = await tap.waitFor(message => message.body.rev === rev)
      expect(body.seq).toBe(Number(last) + 1)
      expect(tap.messages).toHaveLength(1)
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('lives beside another on one PLC', async () => {
    const second = await startPds({ plcUrl: network.plc.url })
    const account = await createAccount({ pds: second }, 'elsewhere')
    expect((await documentOf(account.did)).service[0]?.serviceEndpoint).toBe(second.url)
    expect(second.url).not.toBe(network.pds.url)
    expect(existsSync(second.dataDir)).toBe(true)
    await second[Symbol.asyncDispose]()
    expect(existsSync(second.dataDir)).toBe(false)
  })

  it('refuses a port that is taken', async () => {
    const { plc, pds } = network
    await expect(startPds({ plcUrl: plc.url, port: pds.port })).rejects.toThrow('EADDRINUSE')
  })

  it('keeps only as much firehose as told', async () => {
    await using pds = await startPds({ plcUrl: network.plc.url, firehoseWindowMs: 1 })
    const account = await createAccount({ pds }, 'forgetful')
    const { rev } = await account.post('soon too old')
    await using tap = await tapFirehose(pds.url, { cursor: 1 })
    const info = await tap.waitFor(() => true)
    expect(info).toMatchObject({ header: { t: '#info' }, body: { name: 'OutdatedCursor' } })
    expect(rev).toBeDefined()
    await using future = await tapFirehose(pds.url, { cursor: 999 })
    expect((await future.waitFor(() => true)).body.error).toBe('FutureCursor')
  })
})

describe('startPlc', () => {
  it('can write keys as the published server does', async () => {
    await using plc = await startPlc({ documents: 'legacy' })
    await using pds = await startPds({ plcUrl: plc.url })
    const { did } = await createAccount({ pds }, 'oldtimer')
    const document = (await (await fetch(`${plc.url}/${did}`)).json()) as DidDocument
    expect(document.verificationMethod[0]).toMatchObject({
      id: '#atproto',
      type: 'EcdsaSecp256k1VerificationKey2019',
    })
    expect((await fetch(`${plc.url}/did:plc:nobody`)).status).toBe(404)
  })

  it('answers 404 for a DID that nobody registered', async () => {
    expect((await fetch(`${network.plc.url}/did:plc:nobody`)).status).toBe(404)
    expect((await fetch(`${network.plc.url}/_health`)).status).toBe(200)
  })
})

describe('all of it', () => {
  it('talks to nobody outside of this machine', async () => {
    expect(hosts.difference(new Set(['localhost', '127.0.0.1', '::1']))).toEqual(new Set())
    // The watch would have seen it: here is one who tries.
    connect({ host: 'outside.test', port: 9, lookup: findNothing }).on('error', () => {})
    await waitFor(() => hosts.has('outside.test'))
  })
})

type Found = (error: Error, address: string, family: number) => void

/** A resolver that asks nobody. */
function findNothing(_host: string, _options: unknown, done: Found): void {
  done(new Error('not found'), '', 0)
}
