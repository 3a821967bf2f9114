import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { diskOf } from '../machine/limits.ts'
import { userOf } from '../machine/ports.ts'
import { ask, askHealth, type HealthAnswer } from '../suite/ask.ts'
import type { PlannedService } from '../suite/plan.ts'
import { parseScrape, type Scrape } from '../suite/prometheus.ts'
import type { ServiceState } from '../suite/state.ts'

/** What can be seen of a service, before anything is made of it. */
export interface Observation {
  service: Pick<PlannedService, 'name' | 'address' | 'followsJetstream'>
  health: HealthAnswer | undefined
  /** What its supervisor knows; undefined where there is none. */
  supervised: ServiceState | undefined
  /** Who listens on its port, where it is not the service. */
  portUser: { pid: number; command: string } | undefined
  scrape: Scrape | undefined
  /** Events it took in a second, lately. */
  eventsPerSecond: number | undefined
  diskBytes: number | undefined
  /** Room on its disk; undefined where that is not known. */
  freeBytes: number | undefined
}

/** What it had taken in when it was last looked at. */
export interface Sample {
  at: number
  events: number
}

export interface ObserveOptions {
  service: PlannedService
  /** Where services run, where that is not this machine. */
  host?: string | undefined
  supervised: ServiceState | undefined
  before: Sample | undefined
}

/** Looks at a service: what it says, what it counts, what it holds. Never rejects. */
export async function observe(
  options: ObserveOptions,
): Promise<{ seen: Observation; sample: Sample | undefined }> {
  const { service, host, supervised, before } = options
  const { listen, metricsListen, dataDir, name, followsJetstream } = service
  const address = host === undefined ? service.address : `${host}:${listen.port}`
  const [health, scrape] = await Promise.all([
    askHealth(address),
    scrapeOf(host ?? hostOf(metricsListen.host), metricsListen.port),
  ])
  const events = scrape?.sum(`${name}_upstream_events_total`)
  const sample = events === undefined ? undefined : { at: Date.now(), events }
  const seconds = sample && before && (sample.at - before.at) / 1000
  const isHere = host === undefined
  return {
    sample,
    seen: {
      service: { name, address, followsJetstream },
      health,
      supervised,
      portUser: health || !isHere ? undefined : userOf(listen.port),
      scrape,
      eventsPerSecond: seconds ? Math.max(0, (sample.events - before.events) / seconds) : undefined,
      diskBytes: isHere ? folderBytes(dataDir) : undefined,
      freeBytes: isHere ? diskOf(dataDir)?.freeBytes : undefined,
    },
  }
}

function hostOf(listening: string): string {
  return { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[listening] ?? listening
}

async function scrapeOf(host: string, port: number): Promise<Scrape | undefined> {
  if (port === 0) return undefined
  return ask(`http://${host}:${port}/metrics`).then(parseScrape, () => undefined)
}

/** What a folder takes on the disk, bytes; undefined where there is none. */
export function folderBytes(folder: string): number | undefined {
  try {
    let bytes = 0
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      // It may have been removed since.
      bytes += (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.blocks ?? 0) * 512
    }
    return bytes
  } catch {
    return undefined
  }
}
