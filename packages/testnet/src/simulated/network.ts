import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../activity/random.ts'
import { type FakePlc, type PlcTrouble, startFakePlc } from '../fake-plc.ts'
import { startFakeRelay } from '../relay/fake-relay.ts'
import type { FakeRelay } from '../relay/types.ts'
import { type FaultKind, faultKinds, type Happening, happenings } from './faults.ts'
import { isLoss, type Ledger, LedgerKeeper, zeroCounts } from './ledger.ts'
import { Outages } from './outage.ts'
import { withSeq } from './seq.ts'
import { type SimulatedFrame, SimulatedWorld, type WorldOptions } from './world.ts'

/** What may go wrong, each with its share of all frames. */
export type FaultShares = Partial<Record<FaultKind, number>>

export interface SimulatedNetworkOptions extends WorldOptions {
  /** Relays that all send the same frames, with numbers of their own. Default 1. */
  relays?: number
  faults?: FaultShares
  /** Shares of frames that are followed by such an event. Default 0. */
  statusChanges?: number
  keyRotations?: number
  syncs?: number
  /**
   * Shares of frames before which a relay that has a consumer ends the connection, says `ConsumerTooSlow`, or is away: the
   * first one, for that. Default 0.
   */
  disconnects?: number
  slowConsumers?: number
  outdatedCursors?: number
  /**
   * So many accounts, spread over all, have no identity that could be had: the directory answers for them with this
   * status, or not at all. Default: none.
   */
  unreachable?: { accounts: number; how: PlcTrouble['status'] }
  /** Frames that a relay can replay. Default 50,000. */
  maxHistory?: number
  /**
   * Whether to keep the ledger, for comparing; it grows with what is sent. Default true. False for a network that runs
   * for hours.
   */
  keepLedger?: boolean
}

export interface SimulatedNetwork extends AsyncDisposable {
  readonly world: SimulatedWorld
  readonly plc: FakePlc
  readonly relays: readonly FakeRelay[]
  /** What a strict consumer is to make of all that was sent. For what outdated cursors took it does not account. */
  readonly ledger: Ledger
  /** What is to come out, in the order it was sent: `ledger.expected`. */
  readonly expected: readonly string[]
  /** How often each fault was sent. */
  readonly faultsSent: Readonly<Record<FaultKind, number>>
  /** How often each happening was. */
  readonly happened: Readonly<Record<Happening, number>>
  /** Accounts that a fault or an outdated cursor took something from. */
  readonly harmed: ReadonlySet<string>
  /** Accounts whose identity cannot be had. */
  readonly unreachable: ReadonlySet<string>
  /** Frames sent. */
  readonly sent: number
  /** Makes and sends this many commits, and what goes with them, at once. */
  send(commits: number): void
  /**
   * Sends commits at a rate until the signal aborts. Where making them takes longer than that, as many as can be made; what
   * is a second behind is not made up for.
   */
  run(perSecond: number, signal: AbortSignal): Promise<void>
}

/** Apart so far, the relays' numbers never meet. */
const seqsPerRelay = 100_000_000

const tickMs = 10
const maxArrearsMs = 1_000

/** How many frames a relay is away for, before it forgets them. */
const outageFrames = 20

/** Starts relays and a PLC directory for a simulated world, on loopback. Nothing is sent until it is told to. */
export async function startSimulatedNetwork(
  options: SimulatedNetworkOptions = {},
): Promise<SimulatedNetwork> {
  const { relays: count = 1, faults = {}, maxHistory = 50_000, keepLedger = true } = options
  const { statusChanges = 0, keyRotations = 0, syncs = 0 } = options
  const { disconnects = 0, slowConsumers = 0, outdatedCursors = 0 } = options
  await using stack = new AsyncDisposableStack()
  const world = new SimulatedWorld(options)
  const plc = stack.use(await startFakePlc(world.documents()))
  const relays = await Promise.all(Array.from({ length: count }, () => startFakeRelay({ maxHistory })))
  for (const relay of relays) stack.use(relay)
  const random = createRandom((options.seed ?? 1) + 1)

  const { accounts: unreachableCount = 0, how = 404 } = options.unreachable ?? {}
  const unreachable = new Set<string>()
  for (let i = 0; i < unreachableCount; i++) {
    const did = world.did(Math.floor(((i + 0.5) * world.accounts) / unreachableCount))
    unreachable.add(did)
    plc.failFor(did, how)
  }
  const unresolvedReason = how === 404 || how === 410 ? 'identity_not_found' : 'identity_unreachable'
  const ledger = new LedgerKeeper(did => (unreachable.has(did) ? unresolvedReason : undefined))
  const outages = new Outages(relays[0]!, maxHistory)
  const faultsSent = zeroCounts(faultKinds)
  const happened = zeroCounts(happenings)
  const harmed = new Set<string>()
  /** Frames that come behind their account's next one. */
  const late = new Map<string, SimulatedFrame>()
  const inactive = new Set<number>()
  /** Accounts of which a consumer may look for the key of a frame late: forged ones, and those that were not active. */
  const unsteady = new Set<string>()
  /** How often each account's document had been asked for when its key last changed. */
  const askedBefore = new Map<string, number>()
  let sent = 0

  function push(frame: SimulatedFrame): void {
    sent++
    for (const [i, relay] of relays.entries()) {
      const seq = frame.seq + i * seqsPerRelay
      relay.push(withSeq(frame.bytes, frame.seq, seq), seq)
    }
    outages.sent(frame.seq, frame.did)
    if (keepLedger) ledger.sent(frame)
  }

  function pickFault(did: string): FaultKind | undefined {
    // One thing at a time: what is wrong with two is counted by either.
    if (unreachable.has(did)) return undefined
    let left = random.next()
    for (const kind of faultKinds) {
      left -= faults[kind] ?? 0
      if (left < 0) return kind === 'reordered' && late.has(did) ? undefined : kind
    }
    return undefined
  }

  function sendOne(): void {
    troubleConnection()
    const i = world.pick()
    const frame = world.commitOf(i, pickFault(world.did(i)))
    const { did, fault } = frame
    if (fault !== undefined && isLoss(fault)) harmed.add(did)
    if (fault !== undefined && fault !== 'reordered') faultsSent[fault]++
    if (fault === 'bad_signature') unsteady.add(did)
    if (fault === 'reordered') late.set(did, frame)
    else if (fault !== 'chain_break') push(frame)
    if (fault === 'duplicate') push(frame)
    const held = late.get(did)
    if (held && fault === undefined) {
      late.delete(did)
      faultsSent.reordered++
      push(held)
    }
    tellSomething()
  }

  /** What happens to a connection before a frame, where there is one. */
  function troubleConnection(): void {
    const dice = random.next()
    const relay = relays[random.below(relays.length)]!
    if (dice >= disconnects + slowConsumers + outdatedCursors || relay.stats().open === 0) return
    if (dice < disconnects) {
      happened.disconnect++
      relay.cut()
    } else if (dice < disconnects + slowConsumers) {
      happened.slow_consumer++
      relay.fail('ConsumerTooSlow', 'you are too far behind')
    } else {
      happened.outdated_cursor++
      outages.begin(outageFrames)
    }
  }

  /** What an account tells that is no commit, behind a frame. */
  function tellSomething(): void {
    const i = random.below(world.accounts)
    const dice = random.next()
    if (dice < statusChanges) {
      happened.status_change++
      const active = inactive.delete(i)
      if (!active) inactive.add(i)
      unsteady.add(world.did(i))
      push(world.statusOf(i, active, active ? undefined : 'deactivated'))
    } else if (dice < statusChanges + keyRotations) {
      if (canRotate(world.did(i))) rotate(i)
    } else if (dice < statusChanges + keyRotations + syncs) {
      happened.sync++
      if (happened.sync % 2 === 0) world.moveInSilence(i)
      push(world.syncOf(i))
    }
  }

  /**
   * Whether what the account signed before will still be checked with its key of now. A directory tells nobody what a key
   * was before, so the consumer must have asked for it and have no reason to ask anew, and nothing may come late.
   */
  function canRotate(did: string): boolean {
    if (unreachable.has(did) || late.has(did) || unsteady.has(did)) return false
    return (plc.requests.get(did) ?? 0) > (askedBefore.get(did) ?? 0)
  }

  function rotate(i: number): void {
    happened.key_rotation++
    const frame = world.identityOf(i, true)
    askedBefore.set(frame.did, plc.requests.get(frame.did) ?? 0)
    plc.set(frame.document)
    push(frame)
  }

  const owned = stack.move()
  return {
    world,
    plc,
    relays,
    ledger,
    expected: ledger.expected,
    faultsSent,
    happened,
    unreachable,
    get harmed() {
      for (const did of outages.takeLosses()) harmed.add(did)
      return harmed
    },
    get sent() {
      return sent
    },
    send(commits) {
      for (let i = 0; i < commits; i++) sendOne()
    },
    async run(perSecond, signal) {
      let startedAt = performance.now()
      for (let made = 0; !signal.aborted;) {
        const tickAt = performance.now()
        const due = Math.floor(((tickAt - startedAt) / 1000) * perSecond)
        while (made < due && performance.now() - tickAt < tickMs * 2) {
          sendOne()
          made++
        }
        const arrearsMs = ((due - made) / perSecond) * 1000
        if (arrearsMs > maxArrearsMs) startedAt += arrearsMs
        await sleep(made < due ? 0 : tickMs, undefined, { signal }).catch(() => {})
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
