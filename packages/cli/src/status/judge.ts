import { bytesInWords, span } from '../suite/units.ts'
import type { Observation } from './observe.ts'

/** How a service is. `waiting`: nothing is wrong with it, but what it reads has nothing for it. */
export type Verdict = 'ok' | 'waiting' | 'starting' | 'degraded' | 'restarting' | 'down' | 'port taken'

/** A service as the operator sees it. */
export interface ServiceStatus {
  name: string
  address: string
  status: Verdict
  /** Why it is not `ok`; empty where it is. */
  why: string
  /** How far what it serves is behind the network, milliseconds: with that of the Jetstream it reads. */
  lagMs: number | null
  cursor: number | null
  eventsPerSecond: number | null
  diskBytes: number | null
  /** Of its process, which it may share. */
  memoryBytes: number | null
  pid: number | null
  starts: number | null
  version: string | null
  /** The last it logged as an error, or why it ended. */
  lastError: { at: number; message: string } | null
}

/** With less room than this SQLite cannot be sure of a commit, bytes. */
const fullDiskBytes = 16 * 1024 * 1024

/** What is to be said of a service; `jetstream` is what was said of the one that it reads. */
export function judge(seen: Observation, jetstream: ServiceStatus | undefined): ServiceStatus {
  const { service, health, supervised, scrape } = seen
  const follows = service.followsJetstream ? jetstream : undefined
  const { status, why } = verdict(seen, follows)
  const lags = [health?.lagMs, health && follows?.lagMs].filter(lag => typeof lag === 'number')
  const { lastError, lastEnd } = supervised ?? {}
  const last = [lastError, lastEnd && { at: lastEnd.at, message: lastEnd.why }]
    .filter(one => one !== undefined)
    .toSorted((a, b) => b.at - a.at)[0]
  return {
    name: service.name,
    address: service.address,
    status,
    why,
    lagMs: lags.length > 0 ? Math.max(...lags) : null,
    cursor: health?.cursor ?? null,
    eventsPerSecond: seen.eventsPerSecond ?? null,
    diskBytes: seen.diskBytes ?? null,
    memoryBytes: scrape?.sum('process_resident_memory_bytes') ?? null,
    pid: supervised?.pid ?? null,
    starts: supervised?.starts ?? null,
    version: health?.version ?? null,
    lastError: last ?? null,
  }
}

function verdict(seen: Observation, jetstream: ServiceStatus | undefined): { status: Verdict; why: string } {
  const { health, supervised, freeBytes, service } = seen
  if (!health) return withoutAnswer(seen)
  if (freeBytes !== undefined && freeBytes < fullDiskBytes) {
    return {
      status: 'degraded',
      why: `the disk is full (${bytesInWords(freeBytes)} left): nothing new is taken in, nothing is lost. Make room`,
    }
  }
  if (jetstream && jetstream.status !== 'ok' && health.status !== 'degraded') {
    const reason = { down: 'is down', restarting: 'is being started again' }[jetstream.status as string]
    return { status: 'waiting', why: `the Jetstream that it reads ${reason ?? `is ${jetstream.status}`}` }
  }
  if (health.status === 'ok') return { status: 'ok', why: '' }
  return { status: health.status, why: whyLagging(seen, supervised?.lastError?.message, service.name) }
}

function withoutAnswer({ supervised, portUser }: Observation): { status: Verdict; why: string } {
  if (supervised?.phase === 'waiting') return { status: 'waiting', why: 'for the Jetstream to start' }
  if (supervised?.phase === 'starting' && !portUser)
    return { status: 'starting', why: 'it does not answer yet' }
  if (portUser && portUser.pid !== supervised?.pid) return { status: 'port taken', why: takenBy(portUser) }
  if (supervised?.phase === 'restarting')
    return { status: 'restarting', why: `it ended: ${supervised.lastEnd?.why ?? 'it did not say why'}` }
  if (portUser) return { status: 'degraded', why: 'it listens and does not answer' }
  return { status: 'down', why: 'it is not running; `orrery up` runs it' }
}

function takenBy({ pid, command }: { pid: number; command: string }): string {
  return `process ${pid} (${command}) has its port`
}

/** Why a service that answers is not up to date. */
function whyLagging({ health, scrape }: Observation, lastError: string | undefined, name: string): string {
  const connected = scrape?.sum(`${name}_upstream_connected`)
  if (connected === 0) {
    return health!.status === 'starting'
      ? 'no source has been reached since it started; orrery doctor looks why'
      : 'no source is connected; orrery doctor looks why'
  }
  const { lagMs } = health!
  if (lagMs !== null && lagMs > 1_000) return `it is ${span(lagMs)} behind, and catching up as fast as it can`
  return lastError ?? 'it has not caught up yet'
}
