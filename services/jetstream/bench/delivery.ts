import { setTimeout as sleep } from 'node:timers/promises'
import {
  hasSharedData,
  type LoadResult,
  type Process,
  sharedData,
  startLoad,
  startProcess,
} from '@orrery/testnet'
import { lean } from './lean.ts'
import type { ServerApi } from './server-process.ts'

export interface DeliveryOptions {
  server: 'orrery' | 'naive'
  subscribers: number
  /** Events that each of them gets. */
  perSecond: number
  zstd?: boolean
  /** How long to measure. Default 6. */
  seconds?: number
}

/** What delivering to many subscribers took. */
export interface Delivery {
  subscribers: number
  perSecond: number
  /** Events delivered, a second that passed. */
  delivered: number
  /** Events delivered, a second of the server process on the CPU: all threads, and the kernel on its behalf. */
  perCore: number
  /** Server cores in use. */
  cores: number
  bytesPerEvent: number
  latencyMs: LoadResult['latencyMs']
  serverRssMb: number
  /** How busy the load process was; near 1, it measured itself. */
  loadCores: number
}

const warmUpMs = 3_000
const drainMs = 20_000

const dictionary = sharedData('firehose', 'jetstream-v1.zdict')

/**
 * Feeds events through a server to subscribers, and counts what arrives for what work.
 *
 * @throws (rejects) where an event is lost or out of order, or a connection closed
 */
export async function measureDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { subscribers, perSecond, zstd = false, seconds = 6 } = options
  await using stack = new AsyncDisposableStack()
  const server = stack.use(startServer(options.server))
  const zstdDictionary = zstd && hasSharedData('firehose') ? dictionary : undefined
  const url = (await server.call('start', { zstdDictionary })) + (zstd ? '?compress=true' : '')
  const load = stack.use(
    await startLoad({
      groups: [{ url, count: subscribers }],
      timeMember: 'time_us',
      zstdDictionary,
    }),
  )
  await server.call('feed', { perSecond })
  await sleep(warmUpMs)
  const before = await load.reset()
  const usageBefore = await server.usage()
  await sleep(seconds * 1000)
  const result = await load.reset()
  const usage = await server.usage()
  await server.call('feed', { perSecond: 0 })

  const sent = await server.call('sent')
  const counted = (before.frames + result.frames) / subscribers
  const rest = await load.received([Math.ceil(sent - counted)], drainMs)
  check([before, result, rest], sent * subscribers)
  const cpuMs = usage.cpuMs - usageBefore.cpuMs
  return {
    subscribers,
    perSecond,
    delivered: (result.frames * 1000) / result.elapsedMs,
    perCore: (result.frames * 1000) / cpuMs,
    cores: cpuMs / result.elapsedMs,
    bytesPerEvent: result.bytes / result.frames,
    latencyMs: result.latencyMs,
    serverRssMb: usage.rss / 1024 / 1024,
    loadCores: result.cpuMs / result.elapsedMs,
  }
}

/** @throws Error where results are not what was sent, all of it and in order */
export function check(results: readonly LoadResult[], expected: number): void {
  const sum = (of: (result: LoadResult) => number): number =>
    results.reduce((all, result) => all + of(result), 0)
  const lost = expected - sum(({ frames }) => frames)
  const outOfOrder = sum(result => result.outOfOrder)
  const closed = sum(result => Object.values(result.closed).reduce((all, count) => all + count, 0))
  if (lost !== 0 || outOfOrder > 0 || closed > 0) {
    throw new Error(
      `not as sent: ${lost} events lost, ${outOfOrder} out of order, ${closed} connections closed`,
    )
  }
}

/** The other server has of the methods those that are needed here. */
function startServer(kind: DeliveryOptions['server']): Process<ServerApi> {
  const script = kind === 'orrery' ? './server-process.ts' : './naive-process.ts'
  return startProcess<ServerApi>(new URL(script, import.meta.url), lean)
}

if (import.meta.main) {
  const [server = 'orrery', subscribers = '200', perSecond = '500', zstd] = process.argv.slice(2)
  console.log(
    await measureDelivery({
      server: server as 'orrery',
      subscribers: Number(subscribers),
      perSecond: Number(perSecond),
      zstd: zstd === 'zstd',
    }),
  )
}
