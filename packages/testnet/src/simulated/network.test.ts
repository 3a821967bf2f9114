import { peekFrame } from '@orrery/repo'
import { afterEach, describe, expect, it } from 'vitest'
import { type FirehoseTap, tapFirehose } from '../firehose-tap.ts'
import { waitFor } from '../wait.ts'
import { faultKinds } from './faults.ts'
import { type SimulatedNetwork, type SimulatedNetworkOptions, startSimulatedNetwork } from './network.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function start(options: SimulatedNetworkOptions = {}): Promise<SimulatedNetwork> {
  const small = { accounts: 20, recordsPerAccount: 50, curve: 'p256' } as const
  return stack.use(await startSimulatedNetwork({ ...small, ...options }))
}

async function tap({ relays }: SimulatedNetwork, cursor?: number): Promise<FirehoseTap> {
  return stack.use(await tapFirehose(relays[0]!.url, cursor === undefined ? {} : { cursor }))
}

describe('startSimulatedNetwork', () => {
  it('sends the same frames through each relay, with its own numbers', async () => {
    const network = await start({ relays: 2 })
    await using a = await tapFirehose(network.relays[0]!.url)
    await using b = await tapFirehose(network.relays[1]!.url)
    network.send(50)
    await waitFor(() => a.frames.length === 50 && b.frames.length === 50)
    const revs = (frames: readonly Uint8Array[]): string[] => frames.map(frame => peekFrame(frame).rev)
    expect(revs(a.frames)).toEqual(revs(b.frames))
    const seqs = (frames: readonly Uint8Array[]): number[] => frames.map(frame => peekFrame(frame).seq)
    expect(seqs(a.frames).some(seq => seqs(b.frames).includes(seq))).toBe(false)
    for (const { frames } of [a, b]) expect(seqs(frames)).toEqual(seqs(frames).toSorted((x, y) => x - y))
    // A cursor is one of its relay.
    await using again = await tapFirehose(network.relays[1]!.url, { cursor: seqs(b.frames)[39]! })
    await waitFor(() => again.frames.length === 10)
  })

  it('makes the same network from the same seed, with all that goes wrong in it', async () => {
    const options: SimulatedNetworkOptions = {
      now: () => 1_790_000_000_000,
      faults: Object.fromEntries(faultKinds.map(kind => [kind, kind === 'oversized' ? 0 : 0.03])),
      statusChanges: 0.1,
      syncs: 0.1,
    }
    const networks = [
      await start({ ...options, seed: 4 }),
      await start({ ...options, seed: 4 }),
      await start({ ...options, seed: 5 }),
    ]
    for (const network of networks) network.send(150)
    const [one, two, three] = networks.map(({ ledger, faultsSent, happened, harmed }) => ({
      expected: ledger.expected,
      drops: ledger.drops,
      faultsSent,
      happened,
      harmed,
    }))
    expect(one).toEqual(two)
    expect(three!.expected).not.toEqual(one!.expected)
    expect(three!.drops).not.toEqual(one!.drops)
  })

  it('keeps a rate as far as it can, and does not make up for what is long past', async () => {
    const network = await start()
    const stop = new AbortController()
    const running = network.run(200, stop.signal)
    const startedAt = performance.now()
    await waitFor(() => network.sent >= 100)
    stop.abort()
    await running
    const { sent } = network
    expect(sent / ((performance.now() - startedAt) / 1000)).toBeLessThan(250)

    const soon = AbortSignal.timeout(300)
    const began = performance.now()
    await network.run(1_000_000, soon)
    // It looks up between two frames, however far behind it is.
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(network.sent).toBeGreaterThan(sent)
  })

  it('keeps no ledger where none is wanted', async () => {
    const network = await start({ keepLedger: false, outdatedCursors: 1 })
    await using client = await tap(network)
    network.send(30)
    expect(network.sent).toBe(30)
    expect(network.expected).toEqual([])
    // Its outages end all the same.
    await waitFor(() => client.ended)
    await using again = await tap(network, network.world.seq - 3)
    await waitFor(() => again.frames.length > 0)
  })

  it('ends connections, says that a consumer is too slow, and forgets, at its share of frames', async () => {
    const network = await start({ disconnects: 1 })
    const cut = await tap(network)
    network.send(1)
    await waitFor(() => cut.ended)
    expect(cut.ended).toMatchObject({ code: 1006 })
    expect(network.happened.disconnect).toBe(1)

    const slow = await start({ slowConsumers: 1 })
    const told = await tap(slow)
    slow.send(1)
    await waitFor(() => told.ended)
    expect(told.ended).toEqual({ code: 1008, reason: 'ConsumerTooSlow' })
    expect(slow.happened.slow_consumer).toBe(1)

    const away = await start({ outdatedCursors: 1 })
    const before = await tap(away)
    expect(away.harmed.size).toBe(0)
    away.send(1)
    await waitFor(() => before.ended)
    await expect(tap(away)).rejects.toThrow('503')
    away.send(19)
    const behind = await tap(away, away.world.seq - 5)
    await waitFor(() => behind.messages.length > 0)
    expect(behind.messages[0]).toMatchObject({ header: { t: '#info' }, body: { name: 'OutdatedCursor' } })
    // The last five are what this consumer does not get.
    const last = new Set(away.expected.slice(-5).map(line => line.split(' ')[0]))
    expect(away.harmed).toEqual(last)
  })

  it('has accounts without an identity', async () => {
    const network = await start({ unreachable: { accounts: 2, how: 404 } })
    const status = async (did: string): Promise<number> => (await fetch(`${network.plc.url}/${did}`)).status
    expect(network.unreachable.size).toBe(2)
    for (const did of network.unreachable) expect(await status(did)).toBe(404)
    expect(await status(network.world.did(0))).toBe(200)
    network.send(200)
    expect(network.ledger.drops.identity_not_found).toBeGreaterThan(0)
  })

  it('tells of keys, statuses and silent changes', async () => {
    const network = await start({ keyRotations: 0.3, statusChanges: 0.2, syncs: 0.2 })
    const client = await tap(network)
    const first = network.world.documents()
    network.send(30)
    // A key changes only when somebody has asked for the one before.
    expect(network.happened.key_rotation).toBe(0)
    for (const did of first.keys()) await fetch(`${network.plc.url}/${did}`)
    network.send(30)
    const { key_rotation, status_change, sync } = network.happened
    expect(Math.min(key_rotation, status_change, sync)).toBeGreaterThan(0)
    await waitFor(() => client.frames.length === network.sent)
    const types = Object.groupBy(client.messages, ({ header }) => header.t as string)
    expect(types['#identity']).toHaveLength(key_rotation)
    expect(types['#account']).toHaveLength(status_change)
    expect(types['#sync']).toHaveLength(sync)
    const { did } = types['#identity']![0]!.body as { did: string }
    const document = await (await fetch(`${network.plc.url}/${did}`)).json()
    expect(document).not.toEqual(first.get(did))
    expect(document).toEqual(network.world.documents().get(did))
  })
})
