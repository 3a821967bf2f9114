import { generateSigningKey } from '@orrery/repo'
import { didDocument, type FakePlc, type FakeRelay, startFakePlc, startFakeRelay } from '@orrery/testnet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryProgress } from '../src/index.ts'
import { Author } from './support/author.ts'
import {
  endsOf,
  Feed,
  nameOf,
  nameOfDraft,
  resolverFor,
  run,
  type Run,
  type RunOptions,
} from './support/run.ts'

let owned: AsyncDisposableStack
let relay: FakeRelay
let plc: FakePlc
let feed: Feed
let alice: Author
let numbers = 0

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  relay = owned.use(await startFakeRelay())
  plc = owned.use(await startFakePlc())
  feed = new Feed(relay)
  alice = new Author(++numbers)
  plc.set(alice.document)
})
afterEach(() => owned.disposeAsync())

/** By default its directory has so long that no busy machine makes two requests of one. */
function resolver(plcTimeoutMs = 4_000) {
  return owned.use(resolverFor(plc.url, { firstRetryMs: 50, plcTimeoutMs }))
}

async function start(options: Omit<RunOptions, 'sources'>): Promise<Run> {
  const follower = owned.use(await run({ sources: [relay.url], identity: resolver(), ...options }))
  await relay.nextConnection()
  return follower
}

async function allEnded(follower: Run, count: number): Promise<void> {
  await follower.until(`${count} frames to end`, () => endsOf(follower.firehose.stats) >= count)
  // One turn for the consumer.
  await new Promise(setImmediate)
}

const requests = (did: string): number => plc.requests.get(did) ?? 0

describe('strict', () => {
  it('waits for a directory that is down', async () => {
    const follower = await start({ verify: 'strict' })
    plc.fail({ status: 503, times: 2 })
    const post = alice.post('hello')
    feed.push(post)
    await follower.until('the commit', () => follower.events.length === 1)
    expect(follower.events.map(nameOf)).toEqual([nameOfDraft(post)])
    expect(follower.events[0]).toMatchObject({ verified: true })
    expect(requests(alice.did)).toBe(3)
  })

  it('lets nothing out that it cannot check in time', async () => {
    const follower = await start({ verify: 'strict', strictPlcMs: 400, identity: resolver(300) })
    plc.fail({ status: 'silence' })
    const startedAt = performance.now()
    feed.push(alice.post('one'), alice.post('two'))
    await allEnded(follower, 2)
    expect(performance.now() - startedAt).toBeGreaterThan(390)
    expect(follower.dropped()).toEqual({ identity_unreachable: 2 })
    expect(follower.events).toEqual([])
    // The account is as unknown as before: what comes later is taken.
    plc.heal()
    feed.push(alice.post('three'))
    await follower.until('the third', () => follower.events.length === 1)
    expect(follower.events[0]).toMatchObject({ verified: true })
    expect(follower.firehose.stats).toMatchObject({ unverified: 0 })
  })

  it.each([
    { what: 'is not known', lose: () => plc.forget(alice.did) },
    { what: 'was given up', lose: () => plc.tombstone(alice.did) },
  ])('drops at once what is of a DID that $what', async ({ lose }) => {
    const follower = await start({ verify: 'strict' })
    lose()
    feed.push(...Array.from({ length: 20 }, (_, i) => alice.post(`${i}`)))
    await allEnded(follower, 20)
    expect(follower.dropped()).toEqual({ identity_not_found: 20 })
    expect(requests(alice.did)).toBe(1)
  })

  it('drops what is of a DID without a key, and asks about it once more', async () => {
    const follower = await start({ verify: 'strict' })
    plc.set(didDocument({ did: alice.did, alsoKnownAs: [], keys: {}, services: {} }))
    feed.push(alice.post('one'), alice.post('two'))
    await allEnded(follower, 2)
    expect(follower.dropped()).toEqual({ no_signing_key: 2 })
    expect(requests(alice.did)).toBe(2)
  })

  it('gives a key that nobody understands the same name', async () => {
    const follower = await start({ verify: 'strict' })
    plc.set(didDocument({ did: alice.did, alsoKnownAs: [], keys: { atproto: 'z6MkfrQ' }, services: {} }))
    feed.push(alice.post('one'))
    await allEnded(follower, 1)
    expect(follower.dropped()).toEqual({ no_signing_key: 1 })
  })
})

describe('timely', () => {
  it('lets a commit out unverified when its identity takes too long, not before', async () => {
    const follower = await start({ verify: 'timely', timelyMs: 400 })
    plc.fail({ status: 'silence' })
    const startedAt = performance.now()
    const post = alice.post('hello')
    feed.push(post)
    await follower.until('the commit', () => follower.events.length === 1)
    const waitedMs = performance.now() - startedAt
    expect(waitedMs).toBeGreaterThan(390)
    expect(waitedMs).toBeLessThan(2_000)
    expect(follower.events.map(nameOf)).toEqual([nameOfDraft(post)])
    expect(follower.events[0]).toMatchObject({ verified: false })
    expect(follower.firehose.stats).toMatchObject({ unverified: 1, chainBreaks: 0, incomplete: 0 })
    // A forged commit could look like this: it must not keep true ones out.
    expect(follower.progress.account(alice.did)?.rev ?? '').toBe('')
  })

  it('uses all of its time, though the directory fails at once', async () => {
    const follower = await start({ verify: 'timely', timelyMs: 900 })
    plc.fail({ status: 503 })
    const startedAt = performance.now()
    feed.push(alice.post('hello'))
    await follower.until('the commit', () => follower.events.length === 1)
    expect(performance.now() - startedAt).toBeGreaterThan(890)
    expect(follower.events[0]).toMatchObject({ verified: false })
  })

  it('still checks all that needs no key', async () => {
    const follower = await start({ verify: 'timely', timelyMs: 100 })
    plc.fail({ status: 'silence' })
    const other = alice.post('other').body.blocks!
    feed.push(alice.post('hello', { lie: { blocks: other } }))
    await allEnded(follower, 1)
    expect(follower.dropped()).toEqual({ cid_mismatch: 1 })
  })

  it('drops what is of a DID that does not exist', async () => {
    const follower = await start({ verify: 'timely' })
    plc.forget(alice.did)
    feed.push(alice.post('hello'))
    await allEnded(follower, 1)
    expect(follower.dropped()).toEqual({ identity_not_found: 1 })
  })

  it('gives an unverified commit out once, over replays and restarts', async () => {
    const progress = createMemoryProgress()
    const first = await start({ verify: 'timely', timelyMs: 100, progress })
    plc.fail({ status: 'silence' })
    const posts = [alice.post('one'), alice.post('two')]
    feed.push(...posts)
    await first.until('the commits', () => first.events.length === 2)
    // The second follows on the first, though that did not become the account's last.
    expect(first.firehose.stats).toMatchObject({ unverified: 2, chainBreaks: 0 })
    feed.push(...posts)
    await first.until('the copies', () => first.firehose.stats.dropped.replay === 2)
    await first.stop()

    const second = await start({ verify: 'timely', timelyMs: 100, progress })
    feed.push(...posts)
    await second.until('the copies', () => second.firehose.stats.dropped.replay === 2)
    expect(second.events).toEqual([])
  })

  it('takes over what it gave out unverified when it comes again and can be checked', async () => {
    const progress = createMemoryProgress()
    const first = await start({ verify: 'timely', timelyMs: 100, progress })
    plc.fail({ status: 'silence' })
    const [one, two, three] = [alice.post('one'), alice.post('two'), alice.post('three')]
    feed.push(one, two)
    await first.until('the commits', () => first.events.length === 2)
    await first.stop()
    plc.heal()

    const second = await start({ verify: 'timely', progress })
    feed.push(one, two, three)
    await second.until('the third', () => second.events.length === 1)
    expect(second.events.map(nameOf)).toEqual([nameOfDraft(three)])
    expect(second.events[0]).toMatchObject({ verified: true })
    expect(second.dropped()).toEqual({ replay: 2 })
    expect(second.firehose.stats.chainBreaks).toBe(0)
    expect(progress.account(alice.did)).toMatchObject({ rev: three.rev })
  })

  it('follows on an unverified commit without a break', async () => {
    const follower = await start({ verify: 'timely', timelyMs: 2_500 })
    feed.push(alice.post('one'))
    await follower.until('the first', () => follower.events.length === 1)
    plc.fail({ status: 503 })
    feed.push(alice.identity(), alice.post('two'))
    await follower.until('the second', () => follower.events.length === 3)
    plc.heal()
    feed.push(alice.post('three'), alice.post('four'))
    await follower.until('the others', () => follower.events.length === 5)
    const commits = follower.events.filter(event => event.kind === 'commit')
    expect(commits.map(({ verified }) => verified)).toEqual([true, false, true, true])
    expect(follower.firehose.stats.chainBreaks).toBe(0)
  })

  it('passes a #sync on only when it is signed', async () => {
    const follower = await start({ verify: 'timely', timelyMs: 2_500 })
    alice.post('something')
    plc.fail({ status: 503 })
    feed.push(alice.sync())
    await allEnded(follower, 1)
    expect(follower.dropped()).toEqual({ identity_unreachable: 1 })
    plc.heal()
    const sync = alice.sync()
    feed.push(sync)
    await follower.until('the #sync', () => follower.events.length === 1)
    expect(follower.events.map(nameOf)).toEqual([nameOfDraft(sync)])
  })
})

describe('off', () => {
  it('takes signatures, hashes and proofs as they are, and asks nobody', async () => {
    const follower = await start({ verify: 'off', identity: undefined })
    const drafts = [
      alice.post('one', { key: generateSigningKey('p256') }),
      alice.account(false, 'deactivated'),
      alice.post('two'),
      alice.account(true),
      alice.post('three'),
    ]
    feed.push(...drafts, drafts[0]!)
    await allEnded(follower, 6)
    expect(follower.events.map(nameOf)).toEqual(drafts.filter((_, i) => i !== 2).map(nameOfDraft))
    expect(follower.events.filter(event => event.kind === 'commit').map(({ verified }) => verified)).toEqual([
      false,
      false,
    ])
    expect(follower.dropped()).toEqual({ account_inactive: 1, replay: 1 })
    expect(follower.firehose.stats).toMatchObject({ unverified: 2, chainBreaks: 1, incomplete: 0 })
    expect(plc.requests.size).toBe(0)
  })
})

describe('keys', () => {
  it('that changed without a word are found by one request, for all commits that wait', async () => {
    const follower = await start({ verify: 'strict' })
    feed.push(alice.post('with the old key'))
    await follower.until('the first', () => follower.events.length === 1)
    alice.key = generateSigningKey('p256')
    plc.set(alice.document)
    plc.delay(100)
    const posts = Array.from({ length: 40 }, (_, i) => alice.post(`with the new key ${i}`))
    feed.push(...posts)
    await allEnded(follower, 41)
    expect(follower.events.slice(1).map(nameOf)).toEqual(posts.map(nameOfDraft))
    expect(follower.dropped()).toEqual({})
    expect(requests(alice.did)).toBe(2)
  })

  it('that do not fit cost the commit, and a request at most once a minute', async () => {
    const follower = await start({ verify: 'strict' })
    const forger = generateSigningKey('k256')
    for (let i = 0; i < 30; i++) feed.push(alice.post(`${i}`, { key: forger }))
    await allEnded(follower, 30)
    expect(follower.dropped()).toEqual({ bad_signature: 30 })
    expect(requests(alice.did)).toBe(2)
    feed.push(alice.post('mine'))
    await follower.until('the true one', () => follower.events.length === 1)
    // What the forger wrote was not seen, as far as the account goes.
    expect(follower.firehose.stats.chainBreaks).toBe(0)
    expect(requests(alice.did)).toBe(2)
  })

  it('are asked for anew after #identity, also by the commit right behind it, and not for a copy of it', async () => {
    const identity = resolver()
    const follower = await start({ verify: 'strict', identity })
    // A refresh is spent, so that nothing but the event can help.
    feed.push(alice.post('forged', { key: generateSigningKey() }), alice.post('first'))
    await allEnded(follower, 2)
    alice.key = generateSigningKey()
    plc.set(alice.document)
    const change = alice.identity('new.test')
    feed.push(change, alice.post('second'), change)
    await allEnded(follower, 5)
    expect(follower.events.map(({ kind }) => kind)).toEqual(['commit', 'identity', 'commit'])
    expect(follower.dropped()).toEqual({ bad_signature: 1, replay: 1 })
    expect(identity.stats()).toMatchObject({ purges: 1 })
    expect(requests(alice.did)).toBe(3)
  })
})
