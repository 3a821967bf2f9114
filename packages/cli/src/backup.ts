import { join } from 'node:path'
import { type BackupReport, type Keep, listSnapshots, runBackup, sizeOf } from '@orrery/backup'
import { projectVersion } from '@orrery/server/version'
import { chooseStores, type ServiceStore } from './backup-stores.ts'
import { inBytes, phaseBars, printJson, runStoreCommand, tellFailure } from './backup-terminal.ts'
import { services } from './services.ts'
import { bold, dim, print, red, table, untilInterrupted } from './terminal.ts'

export interface BackupFlags {
  config?: string
  dataDir?: string
  to: string
  endpoint?: string
  limit?: number
  keepLast?: number
  keepHourly?: number
  keepDaily?: number
  keepWeekly?: number
  json?: boolean
}

/** `orrery backup`: a snapshot of each of some services' stores, one after the other, while they run. */
export async function backup(names: readonly string[], flags: BackupFlags): Promise<void> {
  await runStoreCommand(async () => {
    const signal = untilInterrupted()
    const reports: BackupReport[] = []
    const chosen = await chooseStores(names, flags)
    if (!chosen) return
    const stateDir = join(chosen.dataDir, 'backup')
    for (const store of chosen.stores) {
      // What is wrong with one keeps none of the others from being saved.
      await tellFailure(async () => {
        const report = await backUp(store, stateDir, flags, signal)
        reports.push(report)
        if (flags.json !== true) print(inWords(report))
      }, `${store.name}: `)
      if (signal.aborted) break
    }
    if (flags.json === true) printJson(reports)
  })
}

function backUp(
  { name, dataDir, counts }: ServiceStore,
  stateDir: string,
  flags: BackupFlags,
  signal: AbortSignal,
): Promise<BackupReport> {
  const bars = phaseBars(name, { reading: 'sending what is new', snapshot: 'snapshot', sending: 'sending' })
  return runBackup({
    service: name,
    dataDir,
    to: flags.to,
    endpoint: flags.endpoint,
    stateDir,
    counts,
    keep: keepOf(flags),
    bytesPerSecond: flags.limit,
    version: projectVersion(),
    signal,
    onProgress: ({ phase, doneBytes, totalBytes, sentBytes }) =>
      bars.at(phase, doneBytes, totalBytes, `${inBytes(sentBytes)} sent`),
  }).finally(() => bars.end())
}

export interface BackupListFlags {
  from: string
  endpoint?: string
  json?: boolean
}

/** `orrery backup list`: what snapshots there are. */
export async function backupList({ from, endpoint, json }: BackupListFlags): Promise<void> {
  await runStoreCommand(async () => {
    const listed = await Promise.all(
      services.map(async ({ name }) => ({
        service: name,
        snapshots: await listSnapshots({ service: name, from, endpoint }),
      })),
    )
    const all = listed.flatMap(({ service, snapshots }) =>
      snapshots.map(snapshot => ({ service, ...snapshot })),
    )
    if (json === true) return printJson(all)
    if (all.length === 0) return print(`There are no snapshots at ${from}.`)
    const rows = all.map(({ service, time, manifest, problem }) =>
      manifest
        ? [
            bold(service),
            time,
            inBytes(sizeOf(manifest)),
            inBytes(manifest.added.bytes),
            manifest.upstream.map(({ source, cursor }) => `${source} ${cursor}`).join(', '),
            Object.entries(manifest.counts)
              .map(([what, count]) => `${count.toLocaleString('en')} ${what}`)
              .join(', '),
            dim(manifest.publicKey),
          ]
        : [bold(service), time, red(problem!)],
    )
    print(...table(['service', 'time', 'size', 'added', 'upstream', 'holds', 'key'], rows))
  })
}

function keepOf({ keepLast, keepHourly, keepDaily, keepWeekly }: BackupFlags): Partial<Keep> {
  return {
    ...(keepLast !== undefined && { last: keepLast }),
    ...(keepHourly !== undefined && { hourly: keepHourly }),
    ...(keepDaily !== undefined && { daily: keepDaily }),
    ...(keepWeekly !== undefined && { weekly: keepWeekly }),
  }
}

function inWords({ manifest, storeBytes, sent, heldMs, walBytes, tookMs, removed }: BackupReport): string {
  const parts = [
    `${bold(manifest.service)} as of ${manifest.time}: ${inBytes(storeBytes)}, of which ${inBytes(sent.bytes)} were sent`,
    `in ${(tookMs / 1000).toFixed(1)} s`,
  ]
  const details = [`view held for ${(heldMs / 1000).toFixed(1)} s, write-ahead log then ${inBytes(walBytes)}`]
  if (removed.snapshots.length > 0) details.push(`${removed.snapshots.length} old snapshots removed`)
  if (removed.postponed !== undefined) details.push(`unused chunks stay for now: ${removed.postponed}`)
  return `${parts.join(' ')} ${dim(`(${details.join('; ')})`)}`
}
