import { createRandom, startFakePlc, startProcess } from '@orrery/testnet'
import { leanEnvironment, leanFlags } from '../../../packages/cli/src/lean.ts'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { Client } from '../../constellation/bench/client.ts'
import { hourMs } from '../src/time.ts'
import type { UfosApi } from './ufos-process.ts'
import { nsidOf } from './year.ts'

const collections = 5_000
const mib = 1024 * 1024
const lean = { flags: leanFlags, env: leanEnvironment() }
const script = new URL('./ufos-process.ts', import.meta.url)

/** Counting as it happens, and questions to a year of it. */
export async function benchUfos(): Promise<Figure[]> {
  return [...(await counting()), ...(await asking())]
}

async function counting(): Promise<Figure[]> {
  await using store = startProcess<UfosApi>(script, lean)
  const events = 800_000
  const { ms, longest } = await store.call('ingest', { events, collections, perBatch: 10_000 })
  const { rss } = await store.usage()
  await using small = startProcess<UfosApi>(script, lean)
  const few = 60_000
  const { writtenBytes } = await small.call('ingest', { events: few, collections, perBatch: 3_000 })
  return [
    {
      name: 'events/s counted',
      figure: (events * 1_000) / ms,
      note: `${collections} collections, with samples, in batches of 10,000, the next of which gathers meanwhile`,
    },
    { name: 'ms for a batch of 10,000 events at most', figure: longest },
    { name: 'MB of memory, counting', figure: rss / mib, note: 'the generator of events in it' },
    ...(writtenBytes === undefined
      ? []
      : [
          {
            name: 'bytes written to disk for an event',
            figure: writtenBytes / few,
            note: '3,000 in a commit, as at 1,000/s',
          },
        ]),
  ]
}

async function asking(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack()
  const plc = stack.use(await startFakePlc())
  const until = Math.floor(Date.now() / hourMs)
  const writer = stack.use(startProcess<UfosApi>(script))
  const { bytes, cells } = await writer.call('year', { collections, until })
  const server = stack.use(startProcess<UfosApi>(script, lean))
  const at = await writer.call('folder')
  const url = await server.call('start', { source: plc.url, plcUrl: plc.url, at })

  const random = createRandom(3)
  const hour = (number: number): string => new Date(number * hourMs).toISOString()
  const anyTime = (hours: number): string => {
    const since = until - hours - random.below(300 * 24)
    return `since=${hour(since)}&until=${hour(since + hours)}`
  }
  const anyNsid = (): string => nsidOf(1 + Math.floor(random.next() ** 3 * collections))
  const some = <T>(...all: T[]): T => all[random.below(all.length)]!
  const month = 30 * 24
  const year = 365 * 24
  const order = (): string => some('records-created', 'dids-estimate')
  const questions: Record<string, () => string> = {
    'collections ordered over a month': () => `/collections?order=${order()}&${anyTime(month)}`,
    'collections by accounts over the month before now': () =>
      `/collections?order=dids-estimate&since=${hour(until - month)}`,
    'a year by day': () => `/timeseries?collection=${anyNsid()}&step=day&since=${hour(until - year)}`,
    'a year by day from any hour, of any collection': () =>
      `/timeseries?collection=${anyNsid()}&step=86400&since=${hour(until - year + random.below(24))}`,
    'a year by day from any hour, of the largest': () =>
      `/timeseries?collection=${nsidOf(1)}&step=86400&since=${hour(until - year + 1 + random.below(22))}`,
    search: () => `/search?q=${some('bsky', 'group1', 'app2+c7', 'org', 'c4999', 'none')}`,
    'a prefix, all time': () => `/prefix?prefix=${some('app.bsky', 'org.group7', 'app.bsky.g3')}`,
    'a prefix over a month': () => `/prefix?prefix=${some('app.bsky', 'org.group7')}&${anyTime(month)}`,
    'collections ordered, all time': () => `/collections?order=${order()}&limit=${some(32, 200)}`,
    'collections by name, all time': () => `/collections?limit=200&cursor=${some('', cursorOf(anyNsid()))}`,
    'stats of ten collections over a week': () =>
      `/collections/stats?${Array.from({ length: 10 }, () => `collection=${anyNsid()}`).join('&')}`,
    'what grows, day over day': () => `/trending?${anyTime(24)}`,
  }
  const figures: Figure[] = [
    { name: 'MB on disk, a year of 5,000 collections', figure: bytes / mib, note: `${cells} cells` },
    { name: 'MB a day', figure: bytes / mib / 365 },
  ]
  for (const [what, path] of Object.entries(questions)) {
    const { p50, p99 } = await latencies(url, path)
    figures.push({ name: `ms for ${what}, p50`, figure: p50 }, { name: `ms for ${what}, p99`, figure: p99 })
  }
  const { rss } = await server.usage()
  return [...figures, { name: 'MB of memory with a year', figure: rss / mib }]
}

const cursorOf = (nsid: string): string => Buffer.from(`${nsid}\0`).toString('base64url')

/** How long single requests take, one after the other, each another one. */
async function latencies(url: string, path: () => string): Promise<{ p50: number; p99: number }> {
  using client = await Client.connect(url)
  for (let i = 0; i < 10; i++) await client.get(path())
  const times: number[] = []
  const end = performance.now() + 2_000
  while (performance.now() < end || times.length < 30) {
    const from = performance.now()
    await client.get(path())
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  const atShare = (share: number): number => times[Math.floor(times.length * share)]!
  return { p50: atShare(0.5), p99: atShare(0.99) }
}
