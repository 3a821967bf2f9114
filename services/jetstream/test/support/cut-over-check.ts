import { expect } from 'vitest'
import type { Begin } from './cut-over-plan.ts'
import type { CutOverWorld } from './cut-over-world.ts'
import { indexOfTime } from './exact.ts'
import { faultOfSubscription } from './judge.ts'
import { faultOfLog, placesOf, readLogged, timeOf } from './logged.ts'
import type { Subscription } from './subscription.ts'
import { sealedBlocks } from './sealed.ts'
import { throwIf } from './whole-log.ts'

/** A subscriber of a run: where it began, and its connections, of which the last one reached the end. */
export interface Played {
  begin: Begin['kind']
  subscriptions: readonly Subscription[]
}

/** How often what a run is there for did happen. */
export type Tried = Record<(typeof tries)[number], number>

const tries = [
  // Connections that began in the past and came over into what was sent after they were made,
  'cutOver',
  // of those, the ones that began where a block or an hour ends.
  'cutOverFromBlock',
  'cutOverFromHour',
  // Connections that went on where one before them was cut.
  'resumed',
  // Filters that changed with something received before and behind,
  'updated',
  'updatedCompressed',
  'hello',
  'heartbeat',
  // Connections to which a filter let something through, and from which it kept something.
  'filtered',
  'compressed',
  // Readers that did not read, while the server waited for them.
  'waited',
] as const

export function noneTried(): Tried {
  return Object.fromEntries(tries.map(name => [name, 0])) as Tried
}

export function neverTried(tried: Tried): (keyof Tried)[] {
  return tries.filter(name => tried[name] === 0)
}

/** The log joins small blocks to such of 512 KiB at the most, and the hub takes one on top of 256 KiB. */
const joinedBytes = 768 * 1024

/** Compares the log with what the network sent, and everybody with the log; counts what was tried. */
export function check(world: CutOverWorld, played: readonly Played[], tried: Tried): void {
  const { witness, jetstream } = world
  const log = witness.lines.map(readLogged)
  const expected = world.expected()
  throwIf(faultOfLog(log, expected))
  const places = placesOf(log, expected)
  const sealed = sealedBlocks(jetstream.dataDir)
  const unsealed = log.length - indexOfTime(log, sealed.at(-1)!.last + 1)
  const largestBlock = Math.max(unsealed, ...sealed.map(({ events }) => events))
  const shortest = Math.min(...log.map(({ line }) => line.length))
  const atOneGo = Math.max(largestBlock, joinedBytes / shortest)

  for (const { begin, subscriptions } of played) {
    for (const [nth, subscription] of subscriptions.entries()) {
      const isLast = nth === subscriptions.length - 1
      throwIf(faultOfSubscription({ log, places, atOneGo }, subscription, isLast))
      tally(subscription, nth === 0 ? begin : 'event')
    }
    tried.resumed += subscriptions.slice(1).filter(({ lines }) => lines.length > 0).length
  }
  expect(jetstream.failures).toEqual([])

  function tally(
    { lines, options, sentAtOpen, updates, heartbeats }: Subscription,
    begin: Begin['kind'],
  ): void {
    if (options.compress && lines.length > 0) tried.compressed++
    if (options.hello && updates.length > 0) tried.hello++
    tried.heartbeat += heartbeats.length
    const changes = updates.filter(({ taken }) => taken && taken.lines > 0 && taken.lines < lines.length)
    tried.updated += changes.length
    if (options.compress) tried.updatedCompressed += changes.length
    if (lines.length === 0) return
    const [first, last] = [lines[0]!, lines.at(-1)!].map(line => indexOfTime(log, timeOf(line)))
    if (lines.length < last! - first! + 1) tried.filtered++
    if (typeof options.begin !== 'number' || places[first!]! >= sentAtOpen || places[last!]! < sentAtOpen)
      return
    tried.cutOver++
    if (begin === 'block') tried.cutOverFromBlock++
    if (begin === 'hour') tried.cutOverFromHour++
  }
}
