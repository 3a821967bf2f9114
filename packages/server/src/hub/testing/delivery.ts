import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { Filter, Subscriber } from '../subscriber.ts'
import { wantsAll } from '../subscriber.ts'
import { decode, fakeEncoding } from './encodings.ts'
import { type Entry, makeEntry, positionOf, tagFilter } from './entries.ts'
import { FakeLog } from './fake-log.ts'
import { type Connection, defaults, startHub, type TestClient } from './hub-server.ts'
import { until } from './until.ts'

type Tags = readonly number[] | undefined

/** Something that happens to a subscriber before the block of this number is published. */
interface Happening {
  atBlock: number
  what: { kind: 'pause'; ms: number } | { kind: 'filter'; tags: Tags } | { kind: 'start'; fromNow: boolean }
}

interface SubscriberPlan {
  joinsAtBlock: number
  /** By how many entries before the newest it begins; undefined for from now on. */
  back: number | undefined
  tags: Tags
  encoding: 'text' | 'one' | 'other'
  idle: boolean
  happenings: Happening[]
}

export interface Plan {
  /** Tags of the entries of each block. */
  blocks: { tags: number[]; gap: number }[]
  entryBytes: number
  recentBytes: number
  blocksOnDisk: number
  readMs: number[]
  encodeMs: number[]
  pauseMs: number[]
  highWaterBytes: number
  subscribers: SubscriberPlan[]
}

const maxBlocks = 30

/** From here on a batch takes no further block: some do, and others do not. */
const batchBytes = 1_000

const tags: fc.Arbitrary<Tags> = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom<Tags>([], [0], [0, 1], [1, 2, 3]),
)
const atBlock = fc.integer({ min: 0, max: maxBlocks - 1 })
const delays = fc.array(fc.constantFrom(0, 0, 1, 3), { minLength: 1, maxLength: 5 })
const happening: fc.Arbitrary<Happening> = fc.record({
  atBlock,
  what: fc.oneof(
    fc.record({ kind: fc.constant('pause'), ms: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ kind: fc.constant('filter'), tags }),
    fc.record({ kind: fc.constant('start'), fromNow: fc.boolean() }),
  ),
})
/** Any plan. */
export const plan: fc.Arbitrary<Plan> = fc.record({
  blocks: fc.array(
    fc.record({
      tags: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8, size: 'max' }),
      gap: fc.constantFrom(1, 2, 1000),
    }),
    { minLength: 1, maxLength: maxBlocks, size: 'max' },
  ),
  // The largest fill what the system holds for a connection, so that clients who pause hold up the hub.
  entryBytes: fc.constantFrom(0, 10, 200, 70_000),
  recentBytes: fc.constantFrom(0, 300, 100_000, Number.POSITIVE_INFINITY),
  blocksOnDisk: fc.integer({ min: 1, max: 4 }),
  readMs: delays,
  encodeMs: delays,
  pauseMs: delays,
  highWaterBytes: fc.constantFrom(1, 1_000, 100_000),
  subscribers: fc.array(
    fc.record({
      joinsAtBlock: atBlock,
      back: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
      tags,
      encoding: fc.constantFrom('text', 'text', 'one', 'other'),
      idle: fc.boolean(),
      happenings: fc.array(happening, { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 5, size: 'max' },
  ),
})

/** What the filter of a subscriber was from when on: from `from` at the latest by one block in the making. */
export interface FilterChange {
  from: number
  tags: Tags
}

/** A subscriber in a run. */
interface Run {
  plan: SubscriberPlan
  connection: Connection<TestClient>
  subscriber: Subscriber | undefined
  started: boolean
  changes: FilterChange[]
}

function filterOf(wanted: Tags): Filter {
  return wanted ? tagFilter(wanted) : wantsAll
}

/**
 * Whether `received` is what a subscriber was to get: of each entry from the first change's position on, exactly what the
 * filter of that moment wants. Where entries are encoded, the filter of the block being encoded is the one from before.
 */
export function isExact(
  entries: readonly Entry[],
  changes: readonly FilterChange[],
  received: readonly number[],
  slack: number,
): boolean {
  // Every way to have come here: which filter is in force, and how much of what was received is accounted for.
  let ways = new Map([[0, 0]])
  const counted = entries.filter(({ position }) => position >= changes[0]!.from)
  const late = changes.map(({ from }) => counted.filter(({ position }) => position < from).length + slack)
  for (const [index, { position, tag }] of counted.entries()) {
    const next = new Map<number, number>()
    for (const [inForce, matched] of ways) {
      for (let way = inForce; way < changes.length; way++) {
        if (way > inForce && changes[way]!.from > position) break
        const following = changes.findIndex((_, i) => i > way && late[i]! <= index)
        if (following >= 0) continue
        const wanted = changes[way]!.tags
        const wants = !wanted || wanted.includes(tag)
        if (!wants) next.set(way, Math.max(matched, next.get(way) ?? 0))
        else if (received[matched] === position) next.set(way, matched + 1)
      }
    }
    ways = next
  }
  return [...ways.values()].includes(received.length)
}

/** Plays a plan over real sockets, and checks what everybody got. */
export async function play(planned: Plan): Promise<void> {
  const log = new FakeLog({
    recentBytes: planned.recentBytes,
    blocksOnDisk: planned.blocksOnDisk,
    readMs: read => planned.readMs[read % planned.readMs.length]!,
  })
  await using server = await startHub(log, { highWaterBytes: planned.highWaterBytes, batchBytes })
  const { hub } = server
  const delay = (call: number): number => planned.encodeMs[call % planned.encodeMs.length]!
  const encodings = { text: undefined, one: fakeEncoding('one', delay), other: fakeEncoding('other', delay) }

  const runs: Run[] = []
  for (const subscriberPlan of planned.subscribers) {
    const connection = await server.connect()
    runs.push({ plan: subscriberPlan, connection, subscriber: undefined, started: false, changes: [] })
  }

  let position = 1_000
  for (const [number, block] of planned.blocks.entries()) {
    for (const each of runs) {
      if (each.plan.joinsAtBlock === number) join(each)
      for (const { atBlock: at, what } of each.plan.happenings) if (at === number) happen(each, what)
    }
    log.append(block.tags.map(tag => makeEntry((position += block.gap), tag, planned.entryBytes)))
    hub.published()
    const ms = planned.pauseMs[number % planned.pauseMs.length]!
    if (ms > 0) await sleep(ms)
  }
  for (const { connection } of runs) connection.client.socket.resume()
  const added = runs.filter(each => each.subscriber)
  await until(() => added.every(({ subscriber, started }) => !started || hasAll(subscriber!, log.last)))
  await hub[Symbol.asyncDispose]()
  await until(() => added.every(({ connection }) => connection.client.closed))

  for (const each of added) {
    const { client } = each.connection
    expect(client.closed).toEqual({ code: 1001, reason: 'server shutting down' })
    const encoding = encodings[each.plan.encoding]
    const texts = encoding ? client.binaries.map(payload => decode(encoding, payload)) : client.texts
    expect(client.messages).toHaveLength(texts.length)
    const byPosition = new Map(log.entries.map(entry => [entry.position, entry.text]))
    for (const text of texts) expect(text).toBe(byPosition.get(positionOf(text)))
    const received = texts.map(positionOf)
    // What is encoded at one go: a block on disk, which has up to four of the published ones, or a batch of small ones.
    const slack = encoding ? 4 * 8 + Math.ceil(batchBytes / Math.min(...log.entries.map(entryLength))) : 0
    const isRight = each.started ? isExact(log.entries, each.changes, received, slack) : received.length === 0
    expect({ isRight, received }).toEqual({ isRight: true, received })
  }
  expect(server.failures).toEqual([])
  for (const encoding of [encodings.one, encodings.other]) {
    for (const counts of encoding.counts.values())
      expect(new Set([1, ...counts.values()])).toEqual(new Set([1]))
  }

  function join(each: Run): void {
    const { back, tags: wanted, encoding, idle } = each.plan
    const from = back === undefined ? undefined : (log.entries.at(-1 - back)?.position ?? 0)
    each.subscriber = hub.add({
      ...each.connection.server,
      ...defaults,
      position: from,
      filter: filterOf(wanted),
      encoding: encodings[encoding],
      idle,
    })
    each.started = !idle
    each.changes.push({ from: from ?? log.last + 1, tags: wanted })
  }

  function happen(each: Run, what: Happening['what']): void {
    const { subscriber, connection } = each
    if (what.kind === 'pause') {
      connection.client.socket.pause()
      setTimeout(() => connection.client.socket.resume(), what.ms)
    } else if (subscriber && what.kind === 'filter') {
      hub.setFilter(subscriber, filterOf(what.tags))
      if (!each.started) each.changes = [{ from: subscriber.position, tags: what.tags }]
      else each.changes.push({ from: Math.max(subscriber.position, each.changes[0]!.from), tags: what.tags })
    } else if (subscriber && what.kind === 'start' && !each.started) {
      hub.start(subscriber, what.fromNow)
      each.started = true
      each.changes = [{ from: subscriber.position, tags: each.changes[0]!.tags }]
    }
  }
}

function entryLength({ text }: Entry): number {
  return text.length
}

function hasAll(subscriber: Subscriber, last: number): boolean {
  return subscriber.state === 'live' && subscriber.position > last && subscriber.stream.writableLength === 0
}
