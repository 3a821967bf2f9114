import { setTimeout as sleep } from 'node:timers/promises'
import { didOfLine, faultKinds, waitFor } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import { expectSameAccounts, readLog, without } from './hostile/log-lines.ts'
import { dropsOnceCounted, faultShares, startBehind, upstream } from './hostile/service.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

describe('a network with every fault at once', () => {
  it('has each dropped and counted by its reason, and the log is what the rest comes to', async () => {
    const { network, jetstream } = await startBehind(stack, {
      seed: 21,
      faults: faultShares(0.012),
      statusChanges: 0.01,
      keyRotations: 0.03,
      syncs: 0.04,
      unreachable: { accounts: 6, how: 404 },
    })
    const { ledger, faultsSent, happened, harmed } = network
    // A key can only change once the service has asked for the one before, which a busy machine puts off. Few at a time: where
    // making them took seconds, the answer would be there and yet too late, and what is asked again answers the key of now.
    for (let i = 0; i < 60 || (happened.key_rotation <= 3 && i < 240); i++) {
      network.send(20)
      await network.relays[0]!.drained()
      await sleep(10)
    }
    const log = await readLog(jetstream.subscribeUrl(), lines => lines.length >= ledger.expected.length)
    expectSameAccounts(log, ledger.expected)
    expect(await dropsOnceCounted(jetstream, network)).toEqual(ledger.drops)
    expect(await upstream(jetstream, 'messages')).toBe(network.sent)
    expect(await upstream(jetstream, 'chain_breaks')).toBe(ledger.chainBreaks)
    expect(await upstream(jetstream, 'unverified')).toBe(0)
    expect(jetstream.failures).toEqual([])

    // All of it was there, and most accounts had nothing to do with it.
    for (const kind of faultKinds) expect([kind, faultsSent[kind]]).not.toEqual([kind, 0])
    expect(Math.min(happened.status_change, happened.key_rotation, happened.sync)).toBeGreaterThan(3)
    expect(Object.keys(ledger.drops)).toEqual(
      expect.arrayContaining(['account_inactive', 'identity_not_found']),
    )
    expect(without(harmed, log).length).toBeGreaterThan(50)
  }, 90_000)

  it('costs accounts nothing that it does not concern, when the connection breaks, too', async () => {
    const { network, jetstream } = await startBehind(stack, {
      seed: 22,
      faults: faultShares(0.004),
      disconnects: 0.003,
      slowConsumers: 0.003,
      outdatedCursors: 0.003,
    })
    const { happened, relays } = network
    const troubles = (): number => happened.disconnect + happened.slow_consumer + happened.outdated_cursor
    // A handful is enough, as the service waits longer from one to the next. Behind an outage something more must come, or
    // nobody knows of it.
    for (let outages = -1; troubles() < 4 || happened.outdated_cursor !== outages || outages === 0;) {
      outages = happened.outdated_cursor
      network.send(20)
      await sleep(10)
      while (relays[0]!.stats().open === 0) {
        network.send(1)
        await sleep(100)
      }
    }
    const { harmed, expected } = network
    const wanted = without(harmed, expected)
    const log = await readLog(
      jetstream.subscribeUrl(),
      lines => without(harmed, lines).length >= wanted.length,
    )
    expectSameAccounts(without(harmed, log), wanted)
    expect(wanted.length).toBeGreaterThan(20)
    expect(await upstream(jetstream, 'connects')).toBe(1 + troubles())
    expect(await upstream(jetstream, 'gaps')).toBe(happened.outdated_cursor)
    expect(jetstream.failures).toEqual([])
  }, 90_000)

  it('lets out what it cannot check where it may, and counts it', async () => {
    const { network, jetstream } = await startBehind(
      stack,
      { seed: 23, faults: faultShares(0.01), unreachable: { accounts: 8, how: 'silence' } },
      { verify: 'timely' },
    )
    for (let i = 0; i < 20; i++) {
      network.send(20)
      await sleep(5)
    }
    const { harmed, ledger, unreachable } = network
    const concerned = new Set([...harmed, ...unreachable])
    const wanted = without(harmed, ledger.expected)
    const log = await readLog(
      jetstream.subscribeUrl(),
      lines => without(concerned, lines).length >= wanted.length,
    )
    expectSameAccounts(without(concerned, log), wanted)
    const unchecked = ledger.drops.identity_unreachable!
    expect(unchecked).toBeGreaterThan(5)
    await waitFor(async () => (await upstream(jetstream, 'unverified')) >= unchecked, { timeoutMs: 20_000 })
    const unverified = (lines: readonly string[]): string[] =>
      lines.filter(line => unreachable.has(didOfLine(line)))
    const all = await readLog(jetstream.subscribeUrl(), lines => unverified(lines).length >= unchecked)
    expect(new Set(unverified(all).map(didOfLine))).toEqual(unreachable)
    expect(await upstream(jetstream, 'unverified')).toBe(unchecked)
  }, 90_000)
})
