import type { Figure } from '../../../scripts/bench/figure.ts'
import { type Delivery, type DeliveryOptions, measureDelivery } from './delivery.ts'

// How many events a core of the server delivers, to how many subscribers, plain and compressed; beside a server that hands
// each message to each socket. The rates are such that some hundred thousand events a second are delivered, or, for one
// subscriber, so many as a firehose never has.

type Case = Omit<DeliveryOptions, 'server'> & { naivePerSecond?: number }

const cases: readonly Case[] = [
  { subscribers: 1, perSecond: 5_000, naivePerSecond: 5_000 },
  { subscribers: 200, perSecond: 2_500, naivePerSecond: 300 },
  { subscribers: 1_000, perSecond: 500, naivePerSecond: 60 },
  { subscribers: 1, perSecond: 5_000, zstd: true },
  { subscribers: 200, perSecond: 2_500, zstd: true },
  { subscribers: 1_000, perSecond: 500, zstd: true },
]

/** Events delivered for each second of the server on the CPU, with the latency and the memory of it. */
export async function benchDeliver(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { naivePerSecond, ...options } of cases) {
    const ours = await measureDelivery({ server: 'orrery', ...options })
    const naive = naivePerSecond
      ? await measureDelivery({ server: 'naive', ...options, perSecond: naivePerSecond })
      : undefined
    const kind = options.zstd ? 'zstd' : 'plain'
    const name = `events/s delivered by a core, ${options.subscribers} subscribers, ${kind}`
    figures.push({
      name,
      figure: ours.perCore,
      ...(naive && {
        peer: 'ws.send to each',
        peerFigure: naive.perCore,
        ratio: ours.perCore / naive.perCore,
      }),
      note: noteOf(ours),
    })
    if (options.subscribers === 1_000) {
      figures.push({ name: `MB of memory, 1000 subscribers, ${kind}`, figure: ours.serverRssMb })
    }
  }
  figures.push(...(await latency()))
  return figures
}

async function latency(): Promise<Figure[]> {
  const usual = await measureDelivery({ server: 'orrery', subscribers: 200, perSecond: 500, seconds: 8 })
  const { p50, p99 } = usual.latencyMs
  const note = noteOf(usual)
  return [
    { name: 'ms from event to subscriber, median, 200 × 500/s', figure: p50, note },
    { name: 'ms from event to subscriber, p99, 200 × 500/s', figure: p99, note },
    { name: 'events/s delivered by a core, 200 subscribers at 500/s', figure: usual.perCore },
  ]
}

function noteOf({ perSecond, delivered, cores, latencyMs }: Delivery): string {
  return `${perSecond} events/s, ${Math.round(delivered / 1000)}k/s delivered, ${cores.toFixed(2)} cores, p99 ${latencyMs.p99.toFixed(0)} ms`
}

if (import.meta.main) console.table(await benchDeliver())
