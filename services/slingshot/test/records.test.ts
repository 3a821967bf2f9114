import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '@orrery/testnet'
import { cidOfValue, note, recordPath, startWorld, type TestAccount, valueOf, type World } from './world.ts'
import { type Answer, json } from './scripted-pds.ts'

const hangUp: Answer = request => request.socket.destroy()

// Records as they are written, changed, deleted and asked for.

let world: World
let alice: TestAccount
beforeAll(async () => {
  world = await startWorld()
  alice = world.account('alice')
  alice.write('first', 'hello')
  await world.settled()
}, 30_000)
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  world.pds.requests.length = 0
  world.pds.answer = undefined
})

describe('what the firehose told', () => {
  it('is answered without asking anybody, in every version, until it is deleted', async () => {
    const cid = alice.write('x', 'one')
    await world.settled()
    expect(await world.getRecord(alice, 'x')).toEqual({
      status: 200,
      body: { uri: alice.uri('x'), cid, value: valueOf('one') },
    })
    alice.write('x', 'two')
    await world.settled()
    expect(await world.text(alice, 'x')).toBe('two')
    expect(await world.text(alice, 'x')).toBe('two')
    alice.delete('x')
    await world.settled()
    expect(await world.getRecord(alice, 'x')).toEqual({
      status: 400,
      body: { error: 'RecordNotFound', message: 'This record was deleted' },
    })
    alice.write('x', 'three')
    await world.settled()
    expect(await world.text(alice, 'x')).toBe('three')
    expect(world.pds.requests).toEqual([])
  })

  it('is under the handle too, in any case, and the URI has the DID', async () => {
    const { status, body } = await world.slingshot.ask(recordPath, {
      repo: alice.handle.toUpperCase(),
      collection: note,
      rkey: 'first',
    })
    expect([status, body.uri]).toEqual([200, alice.uri('first')])
    const upper = await world.slingshot.ask(recordPath, {
      repo: alice.did.replace('did:plc', 'did:PLC'),
      collection: note,
      rkey: 'first',
    })
    expect(upper).toMatchObject({ status: 400, body: { error: 'InvalidRequest' } })
  })

  it('says that its signature was checked', async () => {
    const response = await world.slingshot.fetch(recordPath, {
      repo: alice.did,
      collection: note,
      rkey: 'first',
    })
    expect(response.headers.get('x-record-verified')).toBe('true')
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })
})

describe('a version that is asked for', () => {
  it('is there, is not, or is none', async () => {
    const cid = alice.write('cid', 'one')
    await world.settled()
    expect((await world.getRecord(alice, 'cid', { cid })).status).toBe(200)
    const stale = cidOfValue(valueOf('before'))
    expect(await world.getRecord(alice, 'cid', { cid: stale })).toEqual({
      status: 400,
      body: {
        error: 'RecordNotFound',
        message: 'A record was found but its CID did not match that requested',
      },
    })
    expect(await world.getRecord(alice, 'cid', { cid: 'bafy' })).toMatchObject({
      status: 400,
      body: { error: 'InvalidRequest', message: 'Invalid CID' },
    })
    expect(world.pds.requests).toEqual([])
  })

  it('is compared here: the PDS is asked for the latest', async () => {
    const bob = world.account('bob')
    bob.writeInSilence('cold', 'one')
    const wanted = { cid: cidOfValue(valueOf('another')) }
    expect(await world.getRecord(bob, 'cold', wanted)).toMatchObject({
      status: 400,
      body: { error: 'RecordNotFound' },
    })
    expect(world.pds.requests.join()).not.toContain('cid=')
    expect((await world.getRecord(bob, 'cold')).status).toBe(200)
    expect(world.pds.requests.length).toBe(1)
  })
})

describe('what the firehose did not tell', () => {
  it('is asked of the PDS once, however many ask at the same time', async () => {
    const carol = world.account('carol')
    carol.writeInSilence('cold', 'one')
    const all = Array.from({ length: 50 }, () => world.getRecord(carol, 'cold'))
    for (const { status, body } of await Promise.all(all)) {
      expect([status, body.cid]).toEqual([200, cidOfValue(valueOf('one'))])
    }
    expect(world.pds.requests.length).toBe(1)
    const response = await world.slingshot.fetch(recordPath, {
      repo: carol.did,
      collection: note,
      rkey: 'cold',
    })
    expect(response.headers.get('x-record-verified')).toBe('false')
    expect(world.pds.requests.length).toBe(1)
  })

  it('and is not there, is remembered for a while, and forgotten when it is written', async () => {
    const dan = world.account('dan')
    dan.write('other', 'one')
    await world.settled()
    const missing = await world.getRecord(dan, 'missing')
    expect(missing).toEqual({
      status: 400,
      body: {
        error: 'RecordNotFound',
        message: `Upstream bad request: Could not locate record: ${dan.uri('missing')}`,
      },
    })
    expect(await world.getRecord(dan, 'missing')).toEqual(missing)
    expect(world.pds.requests.length).toBe(1)
    dan.write('missing', 'here')
    await world.settled()
    expect(await world.text(dan, 'missing')).toBe('here')
  })

  it('is overtaken by an event that comes meanwhile', async () => {
    const erin = world.account('erin')
    erin.writeInSilence('x', 'fetched')
    const release = world.pds.hold()
    const asking = world.text(erin, 'x')
    await waitFor(() => world.pds.requests.length === 1)
    erin.write('x', 'told')
    // Nobody waits for the PDS any longer.
    expect(await asking).toBe('told')
    release()
    await world.settled()
    expect(await world.text(erin, 'x')).toBe('told')
    expect(world.pds.requests.length).toBe(1)
    const frank = world.account('frank')
    frank.write('x', 'one')
    await world.settled()
    await world.slingshot.post('/records', { uris: [] })
    frank.writeInSilence('y', 'fetched')()
    await world.settled()
    frank.delete('y')
    await world.settled()
    expect(await world.text(frank, 'y')).toBe('RecordNotFound')
  })

  it('is not undone by events of before that come late', async () => {
    const grace = world.account('grace')
    const first = grace.writeInSilence('x', 'one')
    const second = grace.writeInSilence('x', 'two')
    expect(await world.text(grace, 'x')).toBe('two')
    first()
    await world.settled()
    expect(await world.text(grace, 'x')).toBe('two')
    second()
    await world.settled()
    expect(await world.text(grace, 'x')).toBe('two')
  })
})

describe('what a PDS may answer', () => {
  const ask = async (name: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const judy = world.account('judy')
    return world.getRecord(judy, name)
  }

  it.each([
    ['RepoDeactivated', 'Repo has been deactivated'],
    ['RepoTakendown', 'Repo has been takendown'],
    ['InvalidRequest', 'Could not find repo'],
  ])('%s goes through', async (error, message) => {
    world.pds.answer = json(400, { error, message })
    expect(await ask(error)).toEqual({
      status: 400,
      body: { error, message: `Upstream bad request: ${message}` },
    })
  })

  it.each([
    ['a 400 in HTML', json(400, '<html>')],
    ['a 400 without message', json(400, { error: 'X' })],
    ['401', json(401, { error: 'AuthRequired', message: 'no' })],
    ['404', json(404, { error: 'NotFound', message: 'no' })],
    ['500', json(500, { error: 'InternalServerError', message: 'no' })],
    ['429', json(429, { error: 'RateLimitExceeded', message: 'no' })],
    ['200 in HTML', json(200, '<html>')],
    ['200 without value', json(200, { uri: 'at://x', cid: cidOfValue({ a: 1 }) })],
    ['200 without CID', json(200, { value: { a: 1 } })],
    ['200 with a CID that is none', json(200, { value: { a: 1 }, cid: 'x' })],
    ['200 with the CID of another', json(200, { value: { a: 1 }, cid: cidOfValue({ a: 2 }) })],
    ['200 with what is no record', json(200, { value: { a: 1.5 }, cid: cidOfValue({ a: 2 }) })],
    ['nothing more', hangUp],
  ])('%s is a 502', async (_what, answer) => {
    world.pds.answer = answer
    const { status, body } = await ask(`odd${Math.floor(performance.now())}`)
    expect(status).toBe(502)
    expect(Object.keys(body).toSorted()).toEqual(['error', 'message'])
  })

  it('is a record byte for byte as the firehose has it', async () => {
    const kim = world.account('kim')
    const value = { $type: note, zebra: 1, text: 'é "\u0001', list: [null, true, { $bytes: 'AQ' }], a: {} }
    world.pds.answer = json(200, { uri: 'ignored', cid: cidOfValue(value), value })
    const cold = await (
      await world.slingshot.fetch(recordPath, { repo: kim.did, collection: note, rkey: 'x' })
    ).text()
    world.pds.answer = undefined
    const { frame } = kim.repo.commit([{ action: 'create', collection: note, rkey: 'x', record: value }], 1e6)
    world.relay.push(frame)
    // The two cannot be put in order, and it is the same version: it stays.
    await new Promise(resolve => setTimeout(resolve, 300))
    const warm = await (
      await world.slingshot.fetch(recordPath, { repo: kim.did, collection: note, rkey: 'x' })
    ).text()
    expect(warm).toBe(cold)
  })

  it('with another CID than its own passes where the operator says so, as what nobody checked', async () => {
    await using trusting = await startWorld({ 'no-check-cid': true })
    const liam = trusting.account('liam')
    const cid = cidOfValue({ a: 2 })
    trusting.pds.answer = json(200, { value: { a: 1 }, cid })
    const query = { repo: liam.did, collection: note, rkey: 'x' }
    const response = await trusting.slingshot.fetch(recordPath, query)
    expect([response.status, response.headers.get('x-record-verified')]).toEqual([200, 'false'])
    expect(await response.json()).toMatchObject({ cid, value: { a: 1 } })
  })
})
