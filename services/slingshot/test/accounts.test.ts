import { cidOf } from '@orrery/repo'
import { waitFor } from '@orrery/testnet'
import { describe, expect, it } from 'vitest'
import { json } from './scripted-pds.ts'
import { note, startWorld } from './world.ts'

// What happens to accounts, to the connection, and to the service itself.

const unavailable = json(503, { error: 'Unavailable', message: 'no' })

describe('an account that is away', () => {
  it.each([
    ['deactivated', 'RepoDeactivated'],
    ['takendown', 'RepoTakendown'],
    ['suspended', 'RepoSuspended'],
    ['desynchronized', 'RepoInactive'],
    ['deleted', 'RepoNotFound'],
  ])('because it is %s is not served, from no tier, and is again when it is back', async (status, error) => {
    await using world = await startWorld()
    const alice = world.account('alice')
    alice.write('memory', 'one')
    alice.write('disk', 'one')
    await world.settled()
    expect(await world.text(alice, 'memory')).toBe('one')
    alice.status(false, status)
    await world.settled()
    for (const rkey of ['memory', 'disk', 'never']) expect(await world.text(alice, rkey)).toBe(error)
    expect(world.pds.requests).toEqual([])
    alice.status(true)
    await world.settled()
    // Nothing was heard of it meanwhile, so its PDS is asked.
    expect(await world.text(alice, 'memory')).toBe('one')
    expect(world.pds.requests.length).toBe(1)
    alice.write('disk', 'two')
    await world.settled()
    expect(['one', 'two']).toContain(await world.text(alice, 'disk'))
  })
})

describe('a restart', () => {
  it('keeps what is cached, and takes in what was missed before it answers', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    for (const rkey of ['kept', 'deleted', 'changed']) alice.write(rkey, 'one')
    await world.settled()
    expect(await world.text(alice, 'deleted')).toBe('one')
    await world.restart(() => {
      alice.delete('deleted')
      alice.write('changed', 'two')
    })
    // At once, before the source is reached: the PDS knows.
    const early = await Promise.all(['kept', 'deleted', 'changed'].map(rkey => world.text(alice, rkey)))
    expect(early).toEqual(['one', 'RecordNotFound', 'two'])
    await world.settled()
    expect(await world.text(alice, 'deleted')).toBe('RecordNotFound')
    world.pds.requests.length = 0
    await world.restart()
    await world.settled()
    expect(await world.text(alice, 'kept')).toBe('one')
    expect(world.pds.requests).toEqual([])
  }, 60_000)

  it('answers nothing old where nobody can be asked', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    alice.write('x', 'one')
    await world.settled()
    world.relay.refuse({ status: 503 })
    await world.restart(() => alice.delete('x'))
    world.pds.answer = unavailable
    expect(await world.text(alice, 'x')).toBe('UpstreamFailure')
    world.pds.answer = undefined
    expect(await world.text(alice, 'x')).toBe('RecordNotFound')
    expect(world.slingshot.service.isTrusted()).toBe(false)
  }, 60_000)
})

describe('a gap', () => {
  it('longer than the window of the source has everything of before asked for again', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    const bob = world.account('bob')
    alice.write('x', 'one')
    alice.write('y', 'one')
    await world.settled()
    expect(await world.text(alice, 'y')).toBe('one')
    await world.restart(() => {
      // Lost: the relay forgets it before it is asked.
      alice.delete('x')
      bob.write('x', 'lost too')
      world.relay.forgetBefore(1_000)
      world.relay.push(alice.repo.commit([], 2_000).frame, 2_000)
    })
    await waitFor(() => world.slingshot.total('slingshot_changes_total').then(changes => changes > 0))
    await waitFor(() => world.slingshot.service.isTrusted())
    world.pds.requests.length = 0
    expect(await world.text(alice, 'x')).toBe('RecordNotFound')
    expect(await world.text(alice, 'y')).toBe('one')
    expect(world.pds.requests.length).toBe(2)
    expect(await world.text(alice, 'y')).toBe('one')
    expect(world.pds.requests.length).toBe(2)
  }, 60_000)

  it('that no operation tells of, in one account, has that account asked for again', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    alice.write('x', 'one')
    await world.settled()
    alice.writeInSilence('x', 'two')
    world.relay.push(alice.repo.sync(50), 50)
    await waitFor(() => world.slingshot.total('slingshot_changes_total').then(changes => changes >= 2))
    await expect.poll(() => world.text(alice, 'x'), { timeout: 10_000 }).toBe('two')
  }, 60_000)

  it('in one account, seen at its next commit, has what was before asked for again', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    const bob = world.account('bob')
    alice.write('x', 'one')
    alice.write('y', 'one')
    bob.write('x', 'one')
    await world.settled()
    expect([await world.text(alice, 'x'), await world.text(bob, 'x')]).toEqual(['one', 'one'])
    expect(world.pds.requests).toEqual([])
    // Lost on the way: nobody tells.
    alice.writeInSilence('x', 'two')
    expect(await world.text(alice, 'x')).toBe('one')
    alice.write('z', 'three')
    await world.settled()
    expect(await world.slingshot.total('slingshot_upstream_chain_breaks_total')).toBe(1)
    expect(world.pds.requests).toEqual([])
    expect(await world.text(alice, 'x')).toBe('two')
    expect(await world.text(alice, 'y')).toBe('one')
    expect(world.pds.requests.length).toBe(2)
    // What comes with the commit is true, and others are not concerned.
    expect([await world.text(alice, 'z'), await world.text(bob, 'x')]).toEqual(['three', 'one'])
    expect(world.pds.requests.length).toBe(2)
  }, 60_000)

  it('before the first commit of an account that is seen has what was fetched asked for again', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    alice.writeInSilence('x', 'one')
    expect(await world.text(alice, 'x')).toBe('one')
    alice.writeInSilence('x', 'two')
    expect(await world.text(alice, 'x')).toBe('one')
    alice.write('y', 'three')
    await world.settled()
    expect(await world.text(alice, 'x')).toBe('two')
  }, 60_000)

  it('of an operation that was refused has the account asked for again', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    const bob = world.account('bob')
    alice.write('x', 'one')
    bob.write('x', 'one')
    await world.settled()
    // {"text": 0.5}: no float has a place in the data model, so what the record is now cannot be told.
    const bytes = Buffer.from('a16474657874fb3fe0000000000000', 'hex')
    const block = { cid: cidOf(bytes), bytes }
    const { frame } = alice.repo.commit([{ action: 'update', collection: note, rkey: 'x', block }], 900)
    world.pds.answer = unavailable
    world.relay.push(frame, 900)
    await expect.poll(() => world.text(alice, 'x'), { timeout: 10_000 }).toBe('UpstreamFailure')
    expect(await world.text(bob, 'x')).toBe('one')
  }, 60_000)
})

describe('a connection that is lost', () => {
  it('is made anew, and brings what was missed without it', async () => {
    await using world = await startWorld()
    const alice = world.account('alice')
    alice.write('x', 'one')
    alice.write('y', 'one')
    await world.settled()
    world.relay.refuse({ status: 503, times: 2 })
    world.relay.cut()
    await waitFor(() => world.relay.stats().open === 0)
    alice.write('x', 'two')
    alice.delete('y')
    await world.settled()
    expect([await world.text(alice, 'x'), await world.text(alice, 'y')]).toEqual(['two', 'RecordNotFound'])
    expect(world.pds.requests).toEqual([])
    expect(await world.slingshot.total('slingshot_upstream_chain_breaks_total')).toBe(0)
  }, 60_000)

  it('lets what is cached be believed for a while, and then no more', async () => {
    await using world = await startWorld({ 'max-lag': '3s' })
    const alice = world.account('alice')
    alice.write('x', 'one')
    await world.settled()
    world.relay.refuse({ status: 503 })
    world.relay.cut()
    expect(await world.text(alice, 'x')).toBe('one')
    expect(world.pds.requests).toEqual([])
    await waitFor(() => !world.slingshot.service.isTrusted())
    const health = await world.slingshot.ask('/xrpc/_health')
    expect(health).toMatchObject({ status: 503, body: { lagMs: expect.any(Number) } })
    expect(health.body.status).not.toBe('ok')
    world.pds.answer = unavailable
    expect(await world.text(alice, 'x')).toBe('UpstreamFailure')
    world.pds.answer = undefined
    expect(await world.text(alice, 'x')).toBe('one')
  }, 60_000)
})

it('policy: only wanted collections are kept as they happen, and others are never stale', async () => {
  await using world = await startWorld({ collections: 'app.other.*', 'max-record': '1KiB' })
  const alice = world.account('alice')
  alice.write('x', 'one')
  await world.settled()
  expect(await world.text(alice, 'x')).toBe('one')
  expect(await world.text(alice, 'x')).toBe('one')
  expect(world.pds.requests.length).toBe(1)
  // Later than what was fetched, by the clock of the PDS.
  await new Promise(resolve => setTimeout(resolve, 2_100))
  alice.write('x', 'two')
  await world.settled()
  expect(await world.text(alice, 'x')).toBe('two')
  expect(world.pds.requests.length).toBe(2)
}, 30_000)
