import { setTimeout as sleep } from 'node:timers/promises'
import { type LoadResult, startLoad, startProcess } from '@orrery/testnet'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { check } from './delivery.ts'
import { lean } from './lean.ts'
import type { ServerApi } from './server-process.ts'

export interface ReplayOptions {
  subscribers: number
  /** Events in the log. */
  events: number
}

/** What reading the log from its beginning took. */
export interface Replay {
  subscribers: number
  events: number
  /** Events delivered, to all subscribers, a second that passed; and a second of the server process on the CPU. */
  delivered: number
  perCore: number
  serverRssMb: number
  loadCores: number
}

const mib = 1024 * 1024

/**
 * Fills a log and reads it from disk: as good as nothing of it is kept in memory.
 *
 * @throws (rejects) where an event is lost or out of order
 */
export async function measureReplays(replays: readonly ReplayOptions[]): Promise<Replay[]> {
  await using server = startProcess<ServerApi>(new URL('./server-process.ts', import.meta.url), lean)
  const url = await server.call('start', { recentBytes: mib, commits: 50_000 })
  const results: Replay[] = []
  for (const { subscribers, events } of replays) {
    await server.call('feed', { perSecond: 100_000, total: events })
    while ((await server.call('sent')) < events) await sleep(50)
    await sleep(500)
    const before = await server.usage()
    const startedAt = performance.now()
    await using load = await startLoad({
      groups: [{ url: `${url}?cursor=0`, count: subscribers }],
      timeMember: 'time_us',
    })
    const result: LoadResult = await load.received([events], 120_000)
    const elapsedMs = performance.now() - startedAt
    const usage = await server.usage()
    check([result], events * subscribers)
    results.push({
      subscribers,
      events,
      delivered: (result.frames * 1000) / elapsedMs,
      perCore: (result.frames * 1000) / (usage.cpuMs - before.cpuMs),
      serverRssMb: usage.rss / mib,
      loadCores: result.cpuMs / result.elapsedMs,
    })
  }
  return results
}

const events = 200_000

/** Reading the log from its beginning, alone and with others. */
export async function benchReplay(): Promise<Figure[]> {
  const replays = await measureReplays([
    { subscribers: 1, events },
    { subscribers: 50, events },
  ])
  return replays.flatMap(({ subscribers, delivered, perCore }) => [
    { name: `events/s replayed from disk to ${subscribers}`, figure: delivered },
    { name: `events/s replayed by a core, to ${subscribers}`, figure: perCore },
  ])
}

if (import.meta.main) console.table(await benchReplay())
