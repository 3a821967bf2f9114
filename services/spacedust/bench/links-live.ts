import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LoadGroup, type LoadResult, startLoad, startProcess } from '@orrery/testnet'
import { leanEnvironment, leanFlags } from '../../../packages/cli/src/lean.ts'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { makeEntries } from './events.ts'
import type { ServiceApi } from './service-process.ts'
import { startSource } from './source.ts'

// The whole service behind a Jetstream: what delivering links takes, and what a network's traffic takes with filters.

interface Run {
  perSecond: number
  /** Events before anything is measured: what is held has to fill. */
  warmUpSeconds: number
  seconds: number
  /** Subscribers of the instant stream, with times. */
  groups: (url: string) => LoadGroup[]
  /** Others, whose latency says nothing. Default: none. */
  others?: (url: string) => LoadGroup[]
}

interface Measured {
  links: number
  delivered: number
  cores: number
  rssMb: number
  /** Undefined where the system does not tell. */
  writtenMbPerSecond: number | undefined
  latencyMs: LoadResult['latencyMs']
}

async function measure({ perSecond, warmUpSeconds, seconds, groups, others }: Run): Promise<Measured> {
  await using stack = new AsyncDisposableStack()
  const source = stack.use(await startSource((warmUpSeconds + seconds + 10) * perSecond))
  const lean = { flags: leanFlags, env: leanEnvironment() }
  const service = stack.use(startProcess<ServiceApi>(new URL('./service-process.ts', import.meta.url), lean))
  const url = await service.call('start', source.url)
  const load = stack.use(await startLoad({ groups: groups(url), timeMember: 'time_us', sampleEvery: 20 }))
  const other = others && stack.use(await startLoad({ groups: others(url) }))
  source.setRate(perSecond)
  await sleep(warmUpSeconds * 1000)
  const before = await load.reset()
  const links = await service.call('total', 'spacedust_links_total')
  const usageBefore = await service.usage()
  const writtenBefore = writtenBytes(service.pid)
  await sleep(seconds * 1000)
  const result = await load.reset()
  const otherFrames = (await other?.result())?.frames ?? 0
  const usage = await service.usage()
  const written = writtenBytes(service.pid)
  const linksAfter = await service.call('total', 'spacedust_links_total')
  if (before.outOfOrder + result.outOfOrder > 0) throw new Error('links came out of order')
  if (other && otherFrames === 0) throw new Error('what was held did not come out')
  return {
    links: ((linksAfter - links) * 1000) / result.elapsedMs,
    delivered: (result.frames * 1000) / result.elapsedMs,
    cores: (usage.cpuMs - usageBefore.cpuMs) / result.elapsedMs,
    rssMb: usage.rss / 1024 / 1024,
    writtenMbPerSecond: written && (written - writtenBefore!) / 1e3 / result.elapsedMs,
    latencyMs: result.latencyMs,
  }
}

/** What a process has had written to disks so far; Linux alone tells. */
function writtenBytes(pid: number): number | undefined {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

/** Delivery to 200 who want all, and 2,000 events/s with 200 who want some of it. */
export async function benchLinksLive(): Promise<Figure[]> {
  const all = await measure({
    perSecond: 2_000,
    warmUpSeconds: 3,
    seconds: 6,
    groups: url => [{ url: `${url}?instant=true&fields=time_us`, count: 200 }],
  })
  const filtered = await measure({
    perSecond: 2_000,
    warmUpSeconds: 26,
    seconds: 15,
    groups: url => filteredGroups(url, 'instant=true&fields=time_us'),
    others: url => filteredGroups(url, ''),
  })
  const { p50, p99 } = filtered.latencyMs
  const perLink = `${Math.round(filtered.links)} links/s, ${Math.round(filtered.delivered)} delivered/s`
  return [
    {
      name: 'links/s delivered by a core, 200 unfiltered subscribers',
      figure: all.delivered / all.cores,
      note: `${Math.round(all.delivered)} delivered/s, ${all.cores.toFixed(2)} cores, p99 ${all.latencyMs.p99} ms`,
    },
    { name: 'cores, 2,000 events/s, 200 filtered subscribers', figure: filtered.cores, note: perLink },
    { name: 'MB of memory, 2,000 events/s, 200 filtered subscribers', figure: filtered.rssMb },
    ...(filtered.writtenMbPerSecond === undefined
      ? []
      : [{ name: 'MB/s written to disk, 2,000 events/s', figure: filtered.writtenMbPerSecond }]),
    { name: 'ms from log to subscriber, median, instant', figure: p50, note: `p99 ${p99} ms` },
  ]
}

/** A hundred subscribers who each want something else. */
function filteredGroups(url: string, common: string): LoadGroup[] {
  const links = makeEntries(4_000)
  const pick = (i: number): string => links[(i * 37) % links.length]!.subject
  return Array.from({ length: 100 }, (_, i) => {
    const some = Array.from({ length: 1 + (i % 20) }, (__, n) => pick(i * 20 + n))
    const query = [
      common,
      ...some.map(subject => `wantedSubjects=${encodeURIComponent(subject)}`),
      ...(i % 4 === 0 ? [`wantedSubjectDids=${pick(i).split('/')[2] ?? 'did:plc:x'}`] : []),
      ...(i % 5 === 0 ? ['wantedSources=app.bsky.feed.like:subject.uri'] : []),
    ]
    return { url: `${url}?${query.join('&')}`, count: 1 }
  })
}

if (import.meta.main) console.table(await benchLinksLive())
