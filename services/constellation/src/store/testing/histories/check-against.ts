import { expect } from 'vitest'
import type { Counts, JoinGroup, JoinKey, LinkReader, TargetCounts } from '../../../store.ts'
import type { World } from '../dump.ts'
import type { Random } from './random.ts'
import { randomJoin, randomLimit, randomWalk, type Walk } from './walks.ts'

/** Two readers side by side: the one that is right by definition, and the one in question. */
export interface Pair {
  spec: LinkReader
  tested: LinkReader
}

/** How much was looked at: a check that never saw anything proves nothing. */
export interface Tally {
  pages: number
  items: number
  groups: number
}

/**
 * Asks both everything that this world can be asked once, and walks through some random lists page by page.
 *
 * @throws (rejects) the assertion, with what was asked, when they differ
 */
export async function checkAgainst(
  pair: Pair,
  world: World,
  { times, random, walks = 25 }: { times: readonly number[]; random: Random; walks?: number | undefined },
  tally: Tally,
): Promise<void> {
  const { targets, sources, dids, records } = world
  const keys = targets.flatMap(target => sources.map(source => ({ target, source })))
  await both(pair, 'counts', reader => reader.counts(keys))
  await both(pair, 'stats', reader => reader.stats())
  for (const target of targets) {
    await both(pair, `sources of ${target}`, async reader => sorted(await reader.sources(target)))
    await both(pair, `knows ${target}`, reader => reader.knows(target))
  }
  for (const record of records) {
    await both(pair, `forward of ${JSON.stringify(record)}`, reader => reader.forward(record))
  }
  for (const did of dids) {
    const limit = randomLimit(random)
    await both(pair, `what is linked to under ${did}, by ${limit}`, reader => allTargets(reader, did, limit))
  }
  for (let i = 0; i < walks; i++) {
    const walk = new OpenWalk(randomWalk(world, times, random))
    while (!walk.ended) await walk.turn(pair, tally)
    await sameGroups(pair, randomJoin(world, random), randomLimit(random), tally)
  }
}

/** A walk that both make, a page at a time. */
export class OpenWalk {
  ended = false
  #walk: Walk
  #spec: unknown
  #tested: unknown

  constructor(walk: Walk) {
    this.#walk = walk
  }

  async turn({ spec, tested }: Pair, tally: Tally): Promise<void> {
    const { next: wantedNext, ...wanted } = await this.#walk.turn(spec, this.#spec)
    const { next, ...got } = await this.#walk.turn(tested, this.#tested)
    same(this.#walk.name, { ...got, ends: next === undefined }, { ...wanted, ends: wantedNext === undefined })
    this.#spec = wantedNext
    this.#tested = next
    this.ended = next === undefined
    tally.pages++
    tally.items += wanted.items.length
  }
}

async function both(
  { spec, tested }: Pair,
  asked: string,
  ask: (reader: LinkReader) => Promise<unknown>,
): Promise<void> {
  same(asked, await ask(tested), await ask(spec))
}

function same(asked: string, answer: unknown, wanted: unknown): void {
  expect({ asked, answer }).toEqual({ asked, answer: wanted })
}

/** The order of groups is each reader's own. */
async function sameGroups({ spec, tested }: Pair, key: JoinKey, limit: number, tally: Tally): Promise<void> {
  const name = `groups of ${JSON.stringify(key)} by ${limit}`
  const wanted = await allGroups(spec, key, limit, name)
  same(name, await allGroups(tested, key, limit, name), wanted)
  tally.groups += wanted.length
}

/** The order of targets is each reader's own. */
async function allTargets(reader: LinkReader, did: string, limit: number): Promise<TargetCounts[]> {
  const targets: TargetCounts[] = []
  let after: Omit<TargetCounts, keyof Counts> | undefined
  do {
    const { items, next } = await reader.accountTargets(did, { limit, after })
    targets.push(...items)
    after = next
  } while (after !== undefined)
  return sorted(targets)
}

function sorted<T>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

async function allGroups(
  reader: LinkReader,
  key: JoinKey,
  limit: number,
  name: string,
): Promise<JoinGroup[]> {
  const groups: JoinGroup[] = []
  let after: string | undefined
  do {
    const { items, next } = await reader.joinCounts(key, { limit, after })
    groups.push(...items)
    if (next !== undefined) same(`${name}, a page`, items.length, limit)
    after = next
  } while (after !== undefined)
  return groups.toSorted((a, b) => (a.otherTarget < b.otherTarget ? -1 : 1))
}
