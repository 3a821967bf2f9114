import { faultKinds, faults } from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import { expectSameAccounts, readLog } from './hostile/log-lines.ts'
import { dropsOnceCounted, startBehind, upstream } from './hostile/service.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

describe('a network with one fault, and much of it', () => {
  it.each(faultKinds)('drops as many as were sent, by their reason: %s', async kind => {
    const share = kind === 'oversized' ? 0.05 : 0.25
    const { network, jetstream } = await startBehind(stack, { seed: 31, faults: { [kind]: share } })
    const { ledger, faultsSent, relays } = network
    for (let i = 0; i < 20; i++) {
      network.send(100)
      await relays[0]!.drained(60_000)
    }
    const log = await readLog(jetstream.subscribeUrl(), lines => lines.length >= ledger.expected.length)
    expectSameAccounts(log, ledger.expected)
    const { reason, lost } = faults[kind]
    expect(faultsSent[kind]).toBeGreaterThan(50)
    expect(await dropsOnceCounted(jetstream, network)).toEqual(reason ? { [reason]: faultsSent[kind] } : {})
    expect(await upstream(jetstream, 'chain_breaks')).toBe(ledger.chainBreaks)
    expect(ledger.chainBreaks > 50).toBe(lost)
  })
})
