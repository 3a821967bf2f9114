import { setTimeout as sleep } from 'node:timers/promises'
import {
  didOfLine,
  dropsAsIn,
  type FaultKind,
  faultKinds,
  faults,
  linesByAccount,
  type SimulatedNetwork,
  type SimulatedNetworkOptions,
  startSimulatedNetwork,
} from '@orrery/testnet'
import { afterEach, describe, expect, it } from 'vitest'
import type { FirehoseEvent } from '../src/index.ts'
import { resolverFor, run, type Run, type RunOptions } from './support/run.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

interface Setup {
  network: SimulatedNetwork
  follower: Run
}

/** A strict consumer of a simulated network, connected. */
async function follow(
  options: SimulatedNetworkOptions,
  consumer: Omit<RunOptions, 'sources'> = {},
): Promise<Setup> {
  const network = stack.use(await startSimulatedNetwork({ accounts: 25, recordsPerAccount: 300, ...options }))
  const identity = stack.use(resolverFor(network.plc.url))
  const sources = network.relays.map(({ url }) => url)
  const follower = stack.use(await run({ sources, identity, verify: 'strict', ...consumer }))
  await network.relays[0]!.nextConnection()
  return { network, follower }
}

/** An event as the network's ledger writes it. */
function linesOf(event: FirehoseEvent): string[] {
  const { kind, did } = event
  if (kind === 'identity') return [`${did} identity`]
  if (kind === 'account') return [`${did} account ${event.active} ${event.status ?? ''}`.trimEnd()]
  if (kind === 'sync') return []
  return event.ops.map(({ action, collection, rkey, cid }) =>
    `${did} ${event.rev} ${action} ${collection}/${rkey} ${cid ?? ''}`.trimEnd(),
  )
}

/** Waits for the end of all that was sent, and holds what came out against the ledger. */
async function expectLines({ network, follower }: Setup): Promise<void> {
  const { ledger } = network
  const { stats } = follower.firehose
  await follower.until('everything to come out or be dropped', () => {
    const counts = dropsAsIn(ledger.drops, follower.dropped())
    return (
      follower.events.flatMap(linesOf).length >= ledger.expected.length &&
      Object.entries(ledger.drops).every(([reason, count]) => (counts[reason] ?? 0) >= count) &&
      stats.events.sync >= ledger.syncs
    )
  })
  expect(linesByAccount(follower.events.flatMap(linesOf))).toEqual(linesByAccount(ledger.expected))
  expect(stats.chainBreaks).toBe(ledger.chainBreaks)
  expect(stats.events.sync).toBe(ledger.syncs)
}

/** The same, and the drops, each by its reason. */
async function expectLedger(setup: Setup): Promise<void> {
  await expectLines(setup)
  const { drops } = setup.network.ledger
  expect(dropsAsIn(drops, setup.follower.dropped())).toEqual(drops)
}

describe('what a simulated network gets wrong', () => {
  it.each(faultKinds)('is counted, and costs nobody else anything: %s', async kind => {
    const share = kind === 'oversized' ? 0.06 : 0.12
    const setup = await follow({ seed: 7, faults: { [kind]: share } })
    const { network, follower } = setup
    network.send(150)
    await expectLedger(setup)
    const sent = network.faultsSent[kind]
    const { lost } = faults[kind]
    expect(sent).toBeGreaterThan(3)
    expect(dropsAsIn({}, follower.dropped())).toEqual(countOf(kind, sent))
    // What was lost leaves a hole before the account's next commit.
    expect(network.ledger.chainBreaks > 0).toBe(lost)
  })

  const everything = {
    accounts: 60,
    faults: Object.fromEntries(faultKinds.map(kind => [kind, kind === 'oversized' ? 0.01 : 0.015])),
    statusChanges: 0.02,
    keyRotations: 0.04,
    syncs: 0.06,
    unreachable: { accounts: 6, how: 404 },
  } as const

  /**
   * In bursts: a key changes once the one before was asked for, which a busy machine puts off, and a connection is cut while
   * it is there. Each a few at a time: where making them took seconds, requests would time out with their answers there, and
   * what is asked again answers the key of now.
   */
  async function sendInBursts(network: SimulatedNetwork): Promise<void> {
    const { happened } = network
    for (let i = 0; i < 12 || (happened.key_rotation <= 5 && i < 40); i++) {
      for (let j = 0; j < 5; j++) {
        network.send(20)
        await sleep(1)
      }
      await network.relays[0]!.drained()
      await sleep(50)
    }
  }

  it('is counted when all of it comes together', async () => {
    const setup = await follow({ seed: 3, ...everything })
    const { network } = setup
    await sendInBursts(network)
    await expectLedger(setup)
    for (const kind of faultKinds) expect([kind, network.faultsSent[kind]]).not.toEqual([kind, 0])
    const { status_change, key_rotation, sync } = network.happened
    expect(Math.min(status_change, key_rotation, sync)).toBeGreaterThan(5)
    expect(Object.keys(network.ledger.drops)).toEqual(
      expect.arrayContaining(['account_inactive', 'identity_not_found']),
    )
    expect(network.ledger.syncs).toBeGreaterThan(5)
  })

  it('costs no more where the connection is cut again and again, but is counted when it comes again', async () => {
    const setup = await follow({ seed: 4, ...everything, disconnects: 0.01, slowConsumers: 0.01 })
    const { network, follower } = setup
    await sendInBursts(network)
    await expectLines(setup)
    const { disconnect, slow_consumer } = network.happened
    expect(Math.min(disconnect, slow_consumer)).toBeGreaterThan(0)
    expect(follower.firehose.stats.connects).toBe(disconnect + slow_consumer + 1)
    expect(follower.notices.filter(notice => notice.includes('ConsumerTooSlow'))).toHaveLength(slow_consumer)
  })
})

describe('a relay that forgot what it sent while nobody listened', () => {
  it('leaves a gap, and the accounts whose events are not in it lose nothing', async () => {
    const { network, follower } = await follow({ seed: 11, accounts: 200, outdatedCursors: 0.01 })
    const [relay] = network.relays
    for (let i = 0; i < 12; i++) {
      network.send(60)
      await sleep(50)
      // Back before the next outage, or there is no telling what it lost. It ends after a number of frames.
      while (relay!.stats().open === 0) {
        network.send(1)
        await sleep(20)
      }
    }
    const { harmed, happened, expected } = network
    const unharmed = (lines: readonly string[]): string[] =>
      lines.filter(line => !harmed.has(didOfLine(line)))
    await follower.until(
      'all of the others',
      () => unharmed(follower.events.flatMap(linesOf)).length >= unharmed(expected).length,
    )
    expect(linesByAccount(unharmed(follower.events.flatMap(linesOf)))).toEqual(
      linesByAccount(unharmed(expected)),
    )
    // A gap is known once there is an event behind it.
    expect(follower.gaps.length).toBeGreaterThan(1)
    expect(follower.gaps.length).toBeLessThanOrEqual(happened.outdated_cursor)
    expect(new Set(follower.gaps.map(({ reason }) => reason))).toEqual(new Set(['outdated_cursor']))
    // Lost for good is just what the relay forgot, and most accounts had nothing in that.
    expect(expected.length - follower.events.flatMap(linesOf).length).toBeGreaterThan(0)
    expect(unharmed(expected).length).toBeGreaterThan(expected.length / 4)
  })
})

describe('accounts whose identity cannot be had', () => {
  const patience = { strictPlcMs: 1_500, timelyMs: 400 }

  it.each([503, 'silence'] as const)('are dropped by strict once its patience is over (%s)', async how => {
    const setup = await follow({ seed: 5, accounts: 40, unreachable: { accounts: 4, how } }, patience)
    setup.network.send(150)
    await expectLedger(setup)
    expect(setup.follower.dropped().identity_unreachable).toBeGreaterThan(3)
  })

  it('are let out by timely, and counted as unverified', async () => {
    const setup = await follow(
      { seed: 5, accounts: 40, unreachable: { accounts: 4, how: 'silence' } },
      { ...patience, verify: 'timely' },
    )
    const { network, follower } = setup
    network.send(150)
    const commits = (): number => follower.events.filter(({ kind }) => kind === 'commit').length
    await follower.until('all commits', () => commits() >= 150)
    const unverified = follower.events.filter(event => event.kind === 'commit' && !event.verified)
    expect(new Set(unverified.map(({ did }) => did))).toEqual(network.unreachable)
    expect(follower.firehose.stats.unverified).toBe(unverified.length)
    expect(follower.dropped()).toEqual({})
  })
})

/** What is counted for a fault that comes alone. */
function countOf(kind: FaultKind, sent: number): Record<string, number> {
  const { reason } = faults[kind]
  if (reason === undefined) return {}
  return { [reason.startsWith('cbor_') ? 'cbor_*' : reason]: sent }
}
