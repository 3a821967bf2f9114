import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../activity/random.ts'
import { type FakePlc, startFakePlc } from '../fake-plc.ts'
import { startFakeRelay } from '../relay/fake-relay.ts'
import type { FakeRelay } from '../relay/types.ts'
import { type FaultKind, faultKinds } from './faults.ts'
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
  /** Frames that a relay can replay. Default 50,000. */
  maxHistory?: number
}

export interface SimulatedNetwork extends AsyncDisposable {
  readonly world: SimulatedWorld
  readonly plc: FakePlc
  readonly relays: readonly FakeRelay[]
  /** What is to come out, in the order it was sent; see `SimulatedFrame.expected`. */
  readonly expected: readonly string[]
  /** How often each fault was sent. */
  readonly faultsSent: Readonly<Record<FaultKind, number>>
  /** Accounts that a fault took something from. */
  readonly harmed: ReadonlySet<string>
  /** Frames sent. */
  readonly sent: number
  /** Sends this many frames, as fast as they are made. */
  send(frames: number): void
  /** Sends frames at a rate until the signal aborts. */
  run(perSecond: number, signal: AbortSignal): Promise<void>
}

/** Numbers start here, so that all have the same width and can be written over in place. */
const firstSeq = 1_000_000_000
const seqsPerRelay = 100_000_000

const tickMs = 10

/** Starts relays and a PLC directory for a simulated world, on loopback. Nothing is sent until it is told to. */
export async function startSimulatedNetwork(
  options: SimulatedNetworkOptions = {},
): Promise<SimulatedNetwork> {
  const {
    relays: count = 1,
    faults = {},
    statusChanges = 0,
    keyRotations = 0,
    syncs = 0,
    maxHistory = 50_000,
  } = options
  await using stack = new AsyncDisposableStack()
  const world = new SimulatedWorld(options)
  const accounts = options.accounts ?? 1_000
  const plc = stack.use(await startFakePlc(world.documents()))
  const relays = await Promise.all(Array.from({ length: count }, () => startFakeRelay({ maxHistory })))
  for (const relay of relays) stack.use(relay)
  const random = createRandom((options.seed ?? 1) + 1)
  const expected: string[] = []
  const faultsSent = Object.fromEntries(faultKinds.map(kind => [kind, 0])) as Record<FaultKind, number>
  const harmed = new Set<string>()
  /** Frames that come behind their account's next one. */
  const late = new Map<string, SimulatedFrame>()
  const inactive = new Set<number>()
  let sent = 0

  function push(frame: SimulatedFrame): void {
    sent++
    for (const [i, relay] of relays.entries()) {
      relay.push(withSeq(frame.bytes, frame.seq + i * seqsPerRelay), firstSeq + frame.seq + i * seqsPerRelay)
    }
    expected.push(...frame.expected)
  }

  function pickFault(): FaultKind | undefined {
    let left = random.next()
    for (const kind of faultKinds) {
      left -= faults[kind] ?? 0
      if (left < 0) return kind
    }
    return undefined
  }

  function sendOne(): void {
    const frame = world.next(pickFault())
    const held = late.get(frame.did)
    if (frame.fault !== undefined) {
      faultsSent[frame.fault]++
      if (frame.fault !== 'duplicate') harmed.add(frame.did)
    }
    if (frame.fault === 'reordered') late.set(frame.did, frame)
    else if (frame.fault !== 'chain_break') push(frame)
    if (frame.fault === 'duplicate') push({ ...frame, expected: [] })
    if (held && frame.fault === undefined) {
      late.delete(frame.did)
      push(held)
    }
    sendNotice()
  }

  function sendNotice(): void {
    const i = random.below(accounts)
    const dice = random.next()
    if (dice < statusChanges) {
      const active = inactive.delete(i)
      if (!active) inactive.add(i)
      // What an account did while it was not active leaves a hole in its chain.
      harmed.add(world.did(i))
      push(world.statusOf(i, active, active ? undefined : 'deactivated'))
    } else if (dice < statusChanges + keyRotations) {
      const frame = world.identityOf(i, true)
      plc.set(frame.document)
      push(frame)
    } else if (dice < statusChanges + keyRotations + syncs) push(world.syncOf(i))
  }

  const owned = stack.move()
  return {
    world,
    plc,
    relays,
    expected,
    faultsSent,
    harmed,
    get sent() {
      return sent
    },
    send(frames) {
      for (let i = 0; i < frames; i++) sendOne()
    },
    async run(perSecond, signal) {
      const startedAt = performance.now()
      for (let made = 0; !signal.aborted;) {
        const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond)
        for (; made < due; made++) sendOne()
        await sleep(tickMs, undefined, { signal }).catch(() => {})
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const seqKey = Buffer.from([0x63, 0x73, 0x65, 0x71])

/**
 * A copy of a frame with another sequence number. Frames are made with small numbers, which are widened to five bytes, so
 * that every relay's are as long.
 */
export function withSeq(frame: Uint8Array, seq: number): Uint8Array {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
  const at = bytes.indexOf(seqKey)
  if (at < 0 || at + 5 > bytes.length) return frame
  const from = at + seqKey.length
  const info = bytes[from]! & 31
  const width = info < 24 ? 1 : info === 24 ? 2 : info === 25 ? 3 : info === 26 ? 5 : 9
  const number = Buffer.alloc(5)
  number[0] = 0x1a
  number.writeUInt32BE(firstSeq + seq, 1)
  return Buffer.concat([bytes.subarray(0, from), number, bytes.subarray(from + width)])
}
