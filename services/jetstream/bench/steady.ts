import { setTimeout as sleep } from 'node:timers/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadResult, recordStream, startLoad, startPlayer, startProcess } from '@orrery/testnet'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { lean } from './lean.ts'
import type { ServiceApi } from './service-process.ts'

export interface SteadyOptions {
  /** Commits a second. Default 1,000. */
  perSecond?: number
  /** Default 10. */
  subscribers?: number
  /** Default 2,000. */
  accounts?: number
  /** How long to let it come to rest, and to measure. Default 15 and 30. */
  warmUpSeconds?: number
  seconds?: number
}

/** What the whole service takes while a network goes its way. */
export interface Steady {
  perSecond: number
  subscribers: number
  /** Events that each subscriber got, a second. */
  delivered: number
  /** Cores in use. */
  cores: number
  rssMb: number
  latencyMs: LoadResult['latencyMs']
}

const mib = 1024 * 1024

const names = {
  messages: 'jetstream_upstream_messages_total',
  dropped: 'jetstream_upstream_dropped_total',
  unverified: 'jetstream_upstream_unverified_total',
  sent: 'jetstream_sent_events_total',
}

/**
 * Runs the service behind a simulated network: every commit checked in full, stored, and sent to subscribers.
 *
 * @throws (rejects) where one is refused, not checked or not delivered
 */
export async function measureSteady(options: SteadyOptions = {}): Promise<Steady> {
  const { perSecond = 1_000, subscribers = 10, accounts = 2_000, warmUpSeconds = 15, seconds = 30 } = options
  await using stack = new AsyncDisposableStack()
  const player = stack.use(
    await startPlayer(await recorded(accounts, (warmUpSeconds + seconds + 5) * perSecond)),
  )
  const service = stack.use(startProcess<ServiceApi>(new URL('./service-process.ts', import.meta.url), lean))
  const url = await service.call('start', { source: player.url, plcUrl: player.plcUrl })
  const load = stack.use(
    await startLoad({ groups: [{ url, count: subscribers }], timeMember: 'time_us', sampleEvery: 10 }),
  )
  await player.play(perSecond)
  await sleep(warmUpSeconds * 1000)
  const before = await load.reset()
  const usageBefore = await service.usage()
  let rss = 0
  for (let second = 0; second < seconds; second++) {
    await sleep(1000)
    rss = Math.max(rss, (await service.usage()).rss)
  }
  const result = await load.reset()
  const usage = await service.usage()

  // The rest of the recording, so that everything can be accounted for.
  const totals = (): Promise<Record<string, number>> => service.call('totals', Object.values(names))
  while ((await totals())[names.messages]! < player.frames) await sleep(100)
  await sleep(1000)
  const all = await totals()
  const rest = await load.result()
  const received = before.frames + result.frames + rest.frames
  if (all[names.dropped]! > 0 || all[names.unverified]! > 0 || all[names.sent] !== received) {
    throw new Error(`not all was checked and delivered: ${JSON.stringify({ ...all, received })}`)
  }
  if (before.outOfOrder + result.outOfOrder + rest.outOfOrder > 0) throw new Error('events came out of order')
  return {
    perSecond,
    subscribers,
    delivered: (result.frames * 1000) / result.elapsedMs / subscribers,
    cores: (usage.cpuMs - usageBefore.cpuMs) / result.elapsedMs,
    rssMb: rss / mib,
    latencyMs: result.latencyMs,
  }
}

/** The network's frames, made once: a second for a thousand of them. */
async function recorded(accounts: number, frames: number): Promise<string> {
  const file = join(tmpdir(), `orrery-bench-${accounts}-${frames}.frames`)
  if (!existsSync(file)) await recordStream(file, { accounts, frames })
  return file
}

/** The whole service in its usual state. */
export async function benchSteady(): Promise<Figure[]> {
  const { perSecond, subscribers, cores, rssMb, latencyMs } = await measureSteady()
  const what = `${perSecond} commits/s verified, ${subscribers} subscribers`
  return [
    { name: `cores, ${what}`, figure: cores, note: `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms` },
    { name: `MB of memory, ${what}`, figure: rssMb },
  ]
}

if (import.meta.main) console.table(await benchSteady())
