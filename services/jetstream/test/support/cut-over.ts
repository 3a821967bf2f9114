import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@orrery/testnet'
import { metricValue } from '../harness.ts'
import { check, type Played, type Tried } from './cut-over-check.ts'
import { always, type Begin, othersJoinAt, type Plan, steps, type SubscriberPlan } from './cut-over-plan.ts'
import type { CutOverWorld } from './cut-over-world.ts'
import { timeOf } from './logged.ts'
import { Subscription, type SubscriptionOptions } from './subscription.ts'
import { sealedBlocks } from './sealed.ts'
import { everything } from './wanted.ts'

const patience = { timeoutMs: 60_000 }

/** Plays a plan in a world that goes on after it, and checks what everybody got. */
export async function play(world: CutOverWorld, plan: Plan, tried: Tried): Promise<void> {
  const { network, jetstream, clock, witness, progress, dictionary } = world
  const url = jetstream.subscribeUrl()
  let step = 0
  let waiting: (() => void)[] = []

  /** Resolves when this step begins, or none is left. */
  async function at(wanted: number): Promise<void> {
    while (step < Math.min(wanted, steps)) await new Promise<void>(resolve => waiting.push(resolve))
  }

  function connect(
    options: Omit<SubscriptionOptions, 'url' | 'progress' | 'dictionary'>,
  ): Promise<Subscription> {
    return new Subscription({ ...options, url, progress, dictionary }).opened()
  }

  /** Somebody who reads nothing for a long time. */
  async function idle(): Promise<Played> {
    const subscription = await connect({ begin: 0, wanted: everything, paused: true })
    await at(othersJoinAt - 1)
    // The others are live, so whom the server waits for is this one.
    tried.waited += await metricValue(jetstream.metrics, 'jetstream_subscribers', { state: 'behind' })
    await at(steps / 2)
    subscription.socket.resume()
    return { begin: 'oldest', subscriptions: [subscription] }
  }

  async function act({ joinsAt, doings, ...planned }: SubscriberPlan): Promise<Played> {
    const { wanted, compress, hello, heartbeat } = planned
    let now = joinsAt
    await at(now)
    const begin = beginOf(world, planned.begin)
    let subscription = await connect({ begin, wanted, compress, hello, heartbeat })
    const subscriptions = [subscription]
    for (const { after, what } of doings) {
      await at((now += after))
      if (what.kind === 'update') subscription.update(what.wanted)
      else if (what.kind === 'pause') {
        subscription.socket.pause()
        await at((now += what.steps))
        subscription.socket.resume()
      } else {
        subscription.cut()
        await at((now += what.steps))
        const { reached, updates } = subscription
        subscription = await connect({
          begin: reached === undefined ? begin : what.cursor === 'received' ? reached : reached + 1,
          wanted: updates.at(-1)?.wanted ?? wanted,
          compress,
          heartbeat,
        })
        subscriptions.push(subscription)
      }
    }
    return { begin: planned.begin.kind, subscriptions }
  }

  const acting = Promise.all([idle(), ...[...always, ...plan.subscribers].map(act)])
  // Awaited below, when there is nothing left to send.
  acting.catch(() => {})
  for (; step < steps; step++) {
    if (step === plan.hourAt) clock.toEndOfHour(5)
    if (step === plan.backAt) clock.setBack(1_500)
    network.send(plan.perStep)
    for (const resume of waiting.splice(0)) resume()
    await sleep(20)
  }
  for (const resume of waiting.splice(0)) resume()
  const played = await acting

  // In the end everybody gets everything: then what did not come before is known to have been passed over.
  const last = played.map(({ subscriptions }) => subscriptions.at(-1)!)
  for (const subscription of last) subscription.update(everything)
  await waitFor(() => last.every(({ isSettled }) => isSettled), { ...patience, what: 'all pongs' })
  network.send(30)
  await waitFor(() => witness.lines.length >= progress().sent, { ...patience, what: 'the witness' })
  const end = witness.lines.at(-1)
  await waitFor(() => last.every(({ lines }) => lines.at(-1) === end), { ...patience, what: 'everybody' })
  // What comes twice may come late.
  await sleep(30)
  check(world, played, tried)
  for (const subscription of last) subscription.cut()
}

/** The cursor to begin with, by what there is now. */
function beginOf({ witness, jetstream }: CutOverWorld, begin: Begin): SubscriptionOptions['begin'] {
  switch (begin.kind) {
    case 'now':
    case 'future':
      return begin.kind
    case 'oldest':
      return 0
    case 'newest':
      return witness.reached!
    case 'event':
      return pick(witness.lines, begin.at, timeOf) + begin.by
    case 'block':
      return pick(sealedBlocks(jetstream.dataDir), begin.at, ({ last }) => last) + begin.by
    case 'hour':
      return pick(hoursOf(witness.lines), begin.at, hour => hour) + begin.by
  }
}

function pick<T>(items: readonly T[], at: number, time: (item: T) => number): number {
  return time(items[Math.min(items.length - 1, Math.floor(at * items.length))]!)
}

const hourUs = 3_600_000_000

/** The ends of hours that the log reaches over. */
function hoursOf(lines: readonly string[]): number[] {
  const hours = new Set(lines.map(line => Math.floor(timeOf(line) / hourUs)))
  return [...hours].slice(1).map(hour => hour * hourUs)
}
