import { setTimeout as sleep } from 'node:timers/promises'
import { peekFrame } from '@orrery/repo'
import {
  createRandom,
  type FakeRelay,
  type Random,
  type SimulatedNetwork,
  startSimulatedNetwork,
  waitFor,
} from '@orrery/testnet'
import { metricValue, startTestJetstream, type TestJetstream } from '../harness.ts'
import { faultOfLog, readLogged } from './logged.ts'
import { Subscription } from './subscription.ts'
import { everything } from './wanted.ts'

export interface TwoRelays {
  seed: number
  /** Steps of 20 ms. */
  steps: number
  perStep: number
  /** How often each relay is troubled. */
  troubles: number
  /** The share of frames that one of the two never gets, the other one does. */
  lossShare: number
}

/** What a run was like. */
export interface Merged {
  events: number
  /** Frames that each relay never got. */
  lost: [number, number]
  /** Connections made, beside the first of each. */
  reconnects: number
  /** What came a second time. */
  replays: number
  chainBreaks: number
}

/**
 * Merges two relays that are troubled at random, and holds the log against all that either of them sent.
 *
 * @throws Error that says what is wrong
 */
export async function mergeTwo({
  seed,
  steps,
  perStep,
  troubles: times,
  lossShare,
}: TwoRelays): Promise<Merged> {
  const random = createRandom(seed)
  await using network = await startSimulatedNetwork({
    seed,
    relays: 2,
    accounts: 60,
    recordsPerAccount: 10,
    curve: 'p256',
    // A loss beside one of these cannot be made good: what an inactive account did, or what a #sync stands for, is dropped.
    ...(lossShare === 0 && { statusChanges: 0.003, keyRotations: 0.005, syncs: 0.005 }),
    maxHistory: 200_000,
  })
  const { relays, expected } = network
  await using jetstream = await startTestJetstream({
    source: relays.map(({ url }) => url),
    merge: true,
    'plc-url': network.plc.url,
    verify: 'strict',
    'allow-private-hosts': true,
  })
  await Promise.all(relays.map(relay => relay.nextConnection()))
  const progress = () => ({ known: 0, sent: expected.length })
  const url = jetstream.subscribeUrl()
  const live = await new Subscription({ url, begin: 'now', wanted: everything, progress }).opened()

  // Cut before it has brought anything, a relay would go on with what is new then.
  network.send(100)
  const { sent } = network
  await waitFor(async () => (await count(jetstream, 'upstream_messages_total')) === 2 * sent)
  const lost = loseSome(network, lossShare, random)
  const trouble = relays.map(relay => troubleAtRandom(relay, times, steps, random))
  for (let step = 0; step < steps; step++) {
    network.send(perStep)
    for (const take of trouble) take(step)
    await sleep(20)
  }
  for (const take of trouble) take(steps)

  await waitFor(() => live.lines.length >= expected.length, { timeoutMs: 60_000 }).catch(() => {})
  await untilQuiet(jetstream, relays)
  const whole = await new Subscription({ url, begin: 0, wanted: everything, progress }).opened()
  await waitFor(() => whole.lines.length >= live.lines.length)
  const fault = faultOfLog(whole.lines.map(readLogged), expected)
  if (fault !== undefined) throw new Error(`${fault}; seed=${seed}`)
  if (whole.lines.some((line, i) => line !== live.lines[i])) throw new Error(`replay differs; seed=${seed}`)
  if (jetstream.failures.length > 0) throw jetstream.failures[0]
  for (const subscription of [live, whole]) subscription.cut()
  return {
    events: whole.lines.length,
    lost,
    reconnects: (await count(jetstream, 'upstream_connects_total')) - 2,
    replays: await metricValue(jetstream.metrics, 'jetstream_upstream_dropped_total', { reason: 'replay' }),
    chainBreaks: await count(jetstream, 'upstream_chain_breaks_total'),
  }
}

function count({ metrics }: TestJetstream, name: string): Promise<number> {
  return metricValue(metrics, `jetstream_${name}`)
}

/**
 * From now on each frame may be lost on its way to one relay. The first commit of an account is not: the next one would
 * follow on nothing, and nobody would know that something is missing.
 */
function loseSome({ relays }: SimulatedNetwork, share: number, random: Random): [number, number] {
  const lost: [number, number] = [0, 0]
  const known = new Set<string>()
  const sendTo = relays.map(relay => relay.push.bind(relay))
  /** Which relay does not get the frame that the first one is being given. */
  let loser: number | undefined
  for (const [i, relay] of relays.entries()) {
    relay.push = (frame, seq) => {
      const { did, kind } = peekFrame(frame as Uint8Array)
      if (i === 0) {
        const may = kind !== 'commit' || known.has(did)
        loser = may && random.next() < share ? random.below(2) : undefined
        if (kind === 'commit') known.add(did)
      }
      if (loser === i) lost[i]!++
      else sendTo[i]!(frame, seq)
    }
  }
  return lost
}

/** What can happen to a relay; each answers how it ends. */
const troubles: readonly ((relay: FakeRelay) => () => void)[] = [
  relay => {
    relay.cut()
    return () => {}
  },
  relay => {
    relay.stall()
    return () => relay.resume()
  },
  relay => {
    relay.close(1001, 'restarting')
    return () => {}
  },
  relay => {
    relay.refuse({ status: 503 })
    relay.cut()
    return () => relay.accept()
  },
]

/** The longest trouble, in steps. */
const maxSteps = 25

/**
 * Troubles a relay so many times, of every kind in turn, each in a part of the time of its own: one that fell into another
 * would do nothing. The function is to be called at each step, and at the end.
 */
function troubleAtRandom(
  relay: FakeRelay,
  times: number,
  steps: number,
  random: Random,
): (step: number) => void {
  const planned = Array.from({ length: times }, (_, nth) => {
    const from = Math.floor(((nth + random.next()) * steps) / times)
    return { from, to: from + 1 + random.below(maxSteps), begin: troubles[nth % troubles.length]! }
  })
  const ends = new Map<number, () => void>()
  return step => {
    for (const [nth, { from, to, begin }] of planned.entries()) {
      if (step === from) ends.set(nth, begin(relay))
      if (step < to && step < steps) continue
      ends.get(nth)?.()
      ends.delete(nth)
    }
  }
}

/** Resolves when both relays are connected and have nothing more to say. */
async function untilQuiet(jetstream: TestJetstream, relays: readonly FakeRelay[]): Promise<void> {
  let before = -1
  await waitFor(
    async () => {
      await Promise.all(relays.map(relay => relay.drained()))
      const [connected, messages] = [
        await count(jetstream, 'upstream_connected'),
        await count(jetstream, 'upstream_messages_total'),
      ]
      const isQuiet = connected === relays.length && messages === before
      before = messages
      return isQuiet
    },
    { timeoutMs: 90_000, everyMs: 300, what: 'both relays to have said all' },
  )
}
