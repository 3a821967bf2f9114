import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  didDocument,
  type Process,
  recordStream,
  startFakePlc,
  startPlayer,
  startProcess,
} from '@orrery/testnet'
import { leanEnvironment, leanFlags } from '../../../packages/cli/src/lean.ts'
import type { Figure } from '../../../scripts/bench/figure.ts'
import type { BareApi } from '../../constellation/bench/bare-process.ts'
import { Client } from '../../constellation/bench/client.ts'
import { startScriptedPds } from '../test/scripted-pds.ts'
import { cidOfValue, recordPath, valueOf } from '../test/world.ts'
import type { RecordKey } from '../src/store.ts'
import type { CacheApi } from './cache-process.ts'
import { hammer, latencies, pathOf } from './questions.ts'

const records = 100_000
const liveRate = 1_000
const liveSeconds = 15
const mib = 1024 * 1024
const lean = { flags: leanFlags, env: leanEnvironment() }

/** Records from memory, from disk, from a PDS, and as they come. */
export async function benchRecords(): Promise<Figure[]> {
  const file = join(tmpdir(), `orrery-bench-1000-${liveRate * (liveSeconds + 5)}.frames`)
  if (!existsSync(file)) await recordStream(file, { accounts: 1_000, frames: liveRate * (liveSeconds + 5) })
  return [...(await warm(file)), ...(await cold())]
}

async function warm(file: string): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack()
  const player = stack.use(await startPlayer(file))
  const source = { source: player.url, plcUrl: player.plcUrl }

  const cache = stack.use(startProcess<CacheApi>(new URL('./cache-process.ts', import.meta.url), lean))
  const filled = await cache.call('fill', records)
  const url = await cache.call('start', { ...source, memory: '64MiB' })
  await trusted(cache)
  const few = filled.keys.slice(0, 2_000).map(pathOf)
  const text = await ask(url, few[0]!)
  const bare = stack.use(
    startProcess<BareApi>(new URL('../../constellation/bench/bare-process.ts', import.meta.url), lean),
  )
  const bareUrl = await bare.call('serve', { path: recordPath, text })
  await hammer(url, few, 2_000)
  await hammer(bareUrl, few, 2_000)
  const fromMemory = await compare({ server: cache, url, paths: few }, { server: bare, url: bareUrl })

  // As large a memory as it may have, full.
  const all = filled.keys.map(pathOf)
  await hammer(url, all, 4_000)
  await player.play(liveRate)
  await sleep(3_000)
  // What else the machine does falls on both.
  const [ours, theirs] = await Promise.all(
    [url, bareUrl].map(async each => latencies(each, few, (liveSeconds - 5) * 1_000)),
  )
  const { rss } = await cache.usage()

  const disk = stack.use(startProcess<CacheApi>(new URL('./cache-process.ts', import.meta.url), lean))
  const again = await disk.call('fill', records / 2)
  const idle = stack.use(await startPlayer(file))
  const diskUrl = await disk.call('start', { source: idle.url, plcUrl: idle.plcUrl, memory: '0' })
  await trusted(disk)
  const paths = again.keys.map(pathOf)
  await hammer(diskUrl, paths, 3_000)
  const fromDisk = await compare({ server: disk, url: diskUrl, paths }, { server: bare, url: bareUrl })
  return [
    { name: 'records/s taken in', figure: (records * 1_000) / filled.ms },
    { name: 'bytes on disk of a record', figure: filled.bytes / filled.kept, note: `${records} operations` },
    { name: 'records/s from memory by a core', ...fromMemory },
    { name: 'records/s from disk by a core', ...fromDisk },
    ...(['p50', 'p99'] as const).map((name): Figure => ({
      name: `ms for a record, ${name}`,
      figure: ours![name],
      note: `while ${liveRate} commits/s come in`,
      peer: 'a bare route meanwhile',
      peerFigure: theirs![name],
    })),
    { name: 'MB of memory with 64 MiB of records', figure: rss / mib },
  ]
}

async function cold(): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack()
  const plc = stack.use(await startFakePlc())
  const pds = stack.use(await startScriptedPds())
  const cache = stack.use(startProcess<CacheApi>(new URL('./cache-process.ts', import.meta.url), lean))
  const url = await cache.call('start', { source: plc.url, plcUrl: plc.url, memory: '64MiB' })
  const value = valueOf('x'.repeat(200))
  const cid = cidOfValue(value)
  const keys = Array.from({ length: 500 }, (_, i): RecordKey => ({
    did: didOf(i),
    collection: 'app.test.note',
    rkey: 'x',
  }))
  for (const { did, collection, rkey } of keys) {
    plc.set(
      didDocument({
        did,
        alsoKnownAs: [],
        keys: {},
        services: { atproto_pds: { type: 'AtprotoPersonalDataServer', url: pds.url } },
      }),
    )
    pds.records.set(`${did}/${collection}/${rkey}`, { cid, value })
  }
  using client = await Client.connect(url)
  const times: number[] = []
  for (const key of keys.slice(1)) {
    const from = performance.now()
    await client.get(pathOf(key))
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  pds.requests.length = 0
  const clients = await Promise.all(Array.from({ length: 50 }, () => Client.connect(url)))
  await Promise.all(clients.map(each => each.get(pathOf(keys[0]!))))
  for (const each of clients) each[Symbol.dispose]()
  return [
    {
      name: 'ms for a record from a PDS, p50',
      figure: times[Math.floor(times.length / 2)]!,
      note: 'PLC, PDS and service on loopback, none of it known before',
    },
    { name: 'ms for a record from a PDS, p99', figure: times[Math.floor(times.length * 0.99)]! },
    { name: 'requests to a PDS for 50 of one record at once', figure: pds.requests.length },
  ]
}

function didOf(i: number): string {
  const digits = String(i).replaceAll(/[0189]/g, digit => 'wxyz'['0189'.indexOf(digit)]!)
  return `did:plc:${digits.padStart(24, 'a')}`
}

async function ask(url: string, path: string): Promise<string> {
  using client = await Client.connect(url)
  return await client.get(path)
}

async function trusted(cache: Process<CacheApi>): Promise<void> {
  while (!(await cache.call('isTrusted'))) await sleep(100)
}

/** How often both are measured in turns, and for how long each time, milliseconds: what else the machine does changes. */
const rounds = 7
const roundMs = 1_000

/** What a second of a core answers of ours, and of a bare route with the same bytes; of both, and their ratio, the median. */
async function compare(
  ours: { server: Process<CacheApi>; url: string; paths: readonly string[] },
  bare: { server: Process<BareApi>; url: string },
): Promise<Pick<Figure, 'figure' | 'peer' | 'peerFigure' | 'ratio' | 'note'>> {
  const measured: { figure: number; peerFigure: number; ratio: number }[] = []
  for (let i = 0; i < rounds; i++) {
    const peerFigure = await perCoreSecond(bare.server, bare.url, ours.paths)
    const figure = await perCoreSecond(ours.server, ours.url, ours.paths)
    measured.push({ figure, peerFigure, ratio: figure / peerFigure })
  }
  const median = (of: 'figure' | 'peerFigure' | 'ratio'): number =>
    measured.map(each => each[of]).toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
  const peer = 'a bare route with the same bytes'
  const note = `medians of ${rounds} rounds`
  return { figure: median('figure'), peer, peerFigure: median('peerFigure'), ratio: median('ratio'), note }
}

/** Requests that a second of a core answers, of the process that serves. */
async function perCoreSecond<Api extends CacheApi | BareApi>(
  server: Process<Api>,
  url: string,
  paths: readonly string[],
): Promise<number> {
  const before = await server.usage()
  const requests = await hammer(url, paths, roundMs)
  const { cpuMs } = await server.usage()
  return (requests * 1_000) / (cpuMs - before.cpuMs)
}
