import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, type LoadResult, startLoad, startProcess } from '@orrery/testnet'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { check } from './delivery.ts'
import { makeCommits } from './feed.ts'

import { lean } from './lean.ts'
import type { ServerApi } from './server-process.ts'

/** What some subscribers want. */
interface Wish {
  collections: readonly string[]
  dids: readonly string[]
  subscribers: number
}

/** What serving subscribers takes of whom most want something else. */
export interface Filtered {
  subscribers: number
  /** Different filters. */
  filters: number
  perSecond: number
  /** Events delivered a second; and looked at for somebody, a second of the server process on the CPU. */
  delivered: number
  decidedPerCore: number
  cores: number
  latencyMs: LoadResult['latencyMs']
  serverRssMb: number
}

const perSecond = 500
const warmUpMs = 3_000
const measuredMs = 6_000
const drainMs = 20_000

/** A thousand subscribers: some filters that many share, and hundreds that only one has. */
function makeWishes(): Wish[] {
  const random = createRandom(1)
  const dids = [...new Set(makeCommits(5_000).map(({ did }) => did))]
  const someDids = (count: number): string[] => [
    ...new Set(Array.from({ length: count }, () => random.pick(dids)!)),
  ]
  const posts = 'app.bsky.feed.post'
  return [
    { collections: [posts], dids: [], subscribers: 300 },
    { collections: ['app.bsky.graph.*'], dids: [], subscribers: 100 },
    { collections: ['app.bsky.actor.profile', 'fm.teal.*'], dids: [], subscribers: 100 },
    { collections: [], dids: [], subscribers: 100 },
    ...Array.from({ length: 300 }, (_, i) => ({ collections: [], dids: someDids(1 + i), subscribers: 1 })),
    ...Array.from({ length: 100 }, (_, i) => ({
      collections: [posts],
      dids: someDids(20 + i),
      subscribers: 1,
    })),
  ]
}

function queryOf({ collections, dids }: Wish): string {
  const pairs = [
    ...collections.map(collection => ['wantedCollections', collection]),
    ...dids.map(did => ['wantedDids', did]),
  ]
  return new URLSearchParams(pairs).toString()
}

/** How many of the events a subscriber is to get. */
function expectedOf({ collections, dids }: Wish, counts: ReadonlyMap<string, number>): number {
  let expected = 0
  for (const [key, count] of counts) {
    const [did, collection] = key.split(' ') as [string, string]
    const fitsCollection =
      collections.length === 0 ||
      collections.some(wanted =>
        wanted.endsWith('*') ? collection.startsWith(wanted.slice(0, -1)) : collection === wanted,
      )
    if (fitsCollection && (dids.length === 0 || dids.includes(did))) expected += count
  }
  return expected
}

/**
 * Feeds events to subscribers with filters of all kinds.
 *
 * @throws (rejects) where a group of them did not get what a plain count says
 */
export async function measureFiltered(): Promise<Filtered> {
  const wishes = makeWishes()
  await using stack = new AsyncDisposableStack()
  const server = stack.use(startProcess<ServerApi>(new URL('./server-process.ts', import.meta.url), lean))
  const url = await server.call('start', {})
  const load = stack.use(
    await startLoad({
      groups: wishes.map(wish => ({ url: `${url}?${queryOf(wish)}`, count: wish.subscribers })),
      timeMember: 'time_us',
      sampleEvery: 20,
    }),
  )
  const subscribers = wishes.reduce((sum, wish) => sum + wish.subscribers, 0)
  await server.call('feed', { perSecond })
  await sleep(warmUpMs)
  const before = await load.reset()
  const [usageBefore, sentBefore] = [await server.usage(), await server.call('sent')]
  await sleep(measuredMs)
  const result = await load.reset()
  const [usage, sent] = [await server.usage(), await server.call('sent')]
  await server.call('feed', { perSecond: 0 })

  const counts = await server.call('counts')
  const expected = wishes.map(wish => expectedOf(wish, counts))
  const counted = (group: number): number =>
    (before.groups[group]!.frames + result.groups[group]!.frames) / wishes[group]!.subscribers
  const rest = await load.received(
    expected.map((frames, group) => Math.ceil(frames - counted(group))),
    drainMs,
  )
  for (const [group, { subscribers: count }] of wishes.entries()) {
    const got = [before, result, rest].reduce((sum, { groups }) => sum + groups[group]!.frames, 0)
    if (got !== expected[group]! * count) {
      throw new Error(`a filter let ${got} events through in place of ${expected[group]! * count}`)
    }
  }
  check(
    [before, result, rest],
    expected.reduce((sum, frames, i) => sum + frames * wishes[i]!.subscribers, 0),
  )
  const cpuMs = usage.cpuMs - usageBefore.cpuMs
  return {
    subscribers,
    filters: wishes.length,
    perSecond,
    delivered: (result.frames * 1000) / result.elapsedMs,
    decidedPerCore: ((sent - sentBefore) * subscribers * 1000) / cpuMs,
    cores: cpuMs / result.elapsedMs,
    latencyMs: result.latencyMs,
    serverRssMb: usage.rss / 1024 / 1024,
  }
}

/** A thousand subscribers, most of whom want little. */
export async function benchFilters(): Promise<Figure[]> {
  const { subscribers, filters, decidedPerCore, delivered, cores, latencyMs } = await measureFiltered()
  return [
    {
      name: `events/s decided by a core, ${subscribers} subscribers, ${filters} filters`,
      figure: decidedPerCore,
      note: `${perSecond} events/s, ${Math.round(delivered / 1000)}k/s delivered, ${cores.toFixed(2)} cores, p99 ${latencyMs.p99.toFixed(0)} ms`,
    },
  ]
}

if (import.meta.main) console.table(await benchFilters())
