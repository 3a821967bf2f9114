import { setTimeout as sleep } from 'node:timers/promises'
import { type Process, startProcess } from '@orrery/testnet'
import { leanEnvironment, leanFlags } from '../../../packages/cli/src/lean.ts'
import type { Figure } from '../../../scripts/bench/figure.ts'
import type { BareApi } from './bare-process.ts'
import { Client, hammer, latencies } from './client.ts'
import type { IndexApi } from './index-process.ts'
import { fillPlainTable } from './plain-table.ts'
import { hugeTarget, likes, Traffic, viaPath } from './traffic.ts'

/** Sizes at which everything is measured, links. */
const stages = [1_000_000, 5_000_000, 20_000_000]

/** Links in the index where nothing else is said. */
const usualLinks = 1_000_000

/** Links in the table that it is compared with. */
const plainLinks = 500_000

const lean = { flags: leanFlags, env: leanEnvironment() }
const mib = 1024 * 1024
const liveRate = 1_000

const countPath = '/xrpc/blue.microcosm.links.getBacklinksCount'
const subject = `subject=${encodeURIComponent(hugeTarget)}&source=${likes.collection}:${likes.path.slice(1)}`

/**
 * An index of a network's links as it grows, to as many as `ORRERY_BENCH_LINKS` says (`--links`), by default a million:
 * how fast it takes them in, what they take on disk, and how soon it answers.
 */
export async function benchBacklinks(): Promise<Figure[]> {
  const wanted = Number(process.env['ORRERY_BENCH_LINKS'] ?? usualLinks)
  if (!Number.isSafeInteger(wanted) || wanted < 10_000) throw new RangeError('--links must be 10000 or more')
  const made = makeUp(400_000)
  const madeUs = 1_000_000 / made
  const figures: Figure[] = [{ name: 'links/s made up', figure: made, note: 'on the main thread' }]
  const table = fillPlainTable(plainLinks)
  await using index = startProcess<IndexApi>(new URL('./index-process.ts', import.meta.url), lean)
  const url = await index.call('serve')
  let size = 0
  let ms = 0
  for (const stage of [...stages.filter(each => each < wanted), wanted]) {
    const last = Math.min(500_000, (stage - size) / 2)
    const bulk = await index.call('grow', stage - size - last)
    const before = await index.usage()
    const end = await index.call('grow', last)
    const cpuMs = (await index.usage()).cpuMs - before.cpuMs
    size = stage
    ms += bulk.ms + end.ms
    const at = `${stage.toLocaleString('en')} links`
    figures.push(
      beside(`links/s taken in, ${at}`, (stage * 1000) / ms, table.linksPerSecond),
      {
        name: `links/s taken in at the end, ${at}`,
        figure: (end.links * 1000) / end.ms,
        note: `${((cpuMs * 1000) / end.links).toFixed(1)} µs of a core for each, ${madeUs.toFixed(1)} µs of it to make them up`,
      },
      await sizes(index, at, table.bytesPerLink),
      ...(await answers(index, url, at, end.rss)),
    )
    process.stderr.write(`  ${at}\n`)
  }
  figures.push(...(await share(index, url)))
  return figures
}

/** Links made up a second, by who feeds the index. */
function makeUp(links: number): number {
  const traffic = new Traffic()
  const startedAt = performance.now()
  while (traffic.links < links) traffic.take(20_000)
  return (traffic.links * 1000) / (performance.now() - startedAt)
}

async function sizes(index: Process<IndexApi>, at: string, plainBytes: number): Promise<Figure> {
  const { links, dids, fileBytes, tables } = await index.call('sizes')
  const parts = tables.slice(0, 6).map(({ table, bytes }) => `${table} ${(bytes / links).toFixed(1)}`)
  const note = `${parts.join(', ')}; ${(links / dids).toFixed(1)} links an account`
  return { ...beside(`bytes on disk of a link, ${at}`, fileBytes / links, plainBytes), note }
}

function beside(name: string, figure: number, peerFigure: number): Figure {
  return { name, figure, peer: 'rows of text', peerFigure, ratio: figure / peerFigure }
}

/** How long answers about the largest target take, one after the other, while nothing comes in and while much does. */
async function answers(
  index: Process<IndexApi>,
  url: string,
  at: string,
  growing: number,
): Promise<Figure[]> {
  const middle = await index.call('middle')
  const xrpc = '/xrpc/blue.microcosm.links'
  const asked = {
    counts: `${countPath}?${subject}`,
    first: `${xrpc}.getBacklinks?${subject}`,
    middle: `${xrpc}.getBacklinks?${subject}&cursor=${middle.links}`,
    accounts: `${xrpc}.getBacklinkDids?${subject}&cursor=${middle.dids}`,
  }
  const figures: Figure[] = []
  for (const state of ['idle', 'busy'] as const) {
    if (state === 'busy') {
      await index.call('live', liveRate)
      await sleep(1_000)
    }
    for (const [what, path] of Object.entries(asked)) {
      const { p50, p99 } = await latencies(url, path, 1_500)
      const name = what === 'counts' ? 'ms for counts, p99' : `ms for a page, p99, ${what}`
      figures.push({
        name: `${name}, ${state}, ${at}`,
        figure: p99,
        note: `p50 ${p50.toFixed(2)} ms`,
      })
    }
  }
  const join = await duringJoin(url)
  const { rss } = await index.call('live', 0)
  const what = `${middle.records.toLocaleString('en')} links of ${middle.distinct.toLocaleString('en')} accounts`
  return [
    ...figures,
    {
      name: `ms that counts wait for a join at most, ${at}`,
      figure: join.longest,
      note: `the join takes ${(join.ms / 1000).toFixed(1)} s`,
    },
    {
      name: `MB of memory with the index, ${at}`,
      figure: rss / mib,
      note: `${Math.round(growing / mib)} while it grew; the largest list: ${what}`,
    },
  ]
}

/** How long a count waits at most while the largest list is joined. */
async function duringJoin(url: string): Promise<{ ms: number; longest: number }> {
  using joining = await Client.connect(url)
  using counting = await Client.connect(url)
  const from = performance.now()
  const join = { ms: 0 }
  const joined = joining
    .get(`/xrpc/blue.microcosm.links.getManyToManyCounts?${subject}&pathToOther=${viaPath.slice(1)}`)
    .finally(() => (join.ms = performance.now() - from))
  let longest = 0
  do {
    const asked = performance.now()
    await counting.get(`${countPath}?${subject}`)
    longest = Math.max(longest, performance.now() - asked)
    await sleep(1)
  } while (join.ms === 0)
  await joined
  return { ms: join.ms, longest }
}

/** Counts over HTTP beside a bare route that has the same bytes ready, in turns. */
async function share(index: Process<IndexApi>, url: string): Promise<Figure[]> {
  const path = `${countPath}?${subject}`
  using client = await Client.connect(url)
  const text = await client.get(path)
  await using bare = startProcess<BareApi>(new URL('./bare-process.ts', import.meta.url), lean)
  const bareUrl = await bare.call('serve', { path: countPath, text })
  const sides = [
    { process: index, url, requests: 0, cpuMs: 0, ms: 0 },
    { process: bare, url: bareUrl, requests: 0, cpuMs: 0, ms: 0 },
  ]
  for (let round = 0; round < 5; round++) {
    for (const side of sides) {
      const before = await side.process.usage()
      const from = performance.now()
      const requests = await hammer(side.url, path, 1_500)
      const after = await side.process.usage()
      // The first round warms up.
      if (round === 0) continue
      side.requests += requests
      side.cpuMs += after.cpuMs - before.cpuMs
      side.ms += performance.now() - from
    }
  }
  const [ours, theirs] = sides.map(({ requests, cpuMs, ms }) => ({
    perCore: (requests * 1000) / cpuMs,
    perSecond: (requests * 1000) / ms,
  }))
  return [
    {
      name: 'counts/s over HTTP by a core',
      figure: ours!.perCore,
      peer: 'bare Fastify',
      peerFigure: theirs!.perCore,
      ratio: ours!.perCore / theirs!.perCore,
      note: `${Math.round(ours!.perSecond)}/s and ${Math.round(theirs!.perSecond)}/s on the clock`,
    },
  ]
}

if (import.meta.main) console.table(await benchBacklinks())
