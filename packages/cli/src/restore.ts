import { runRestore } from '@orrery/backup'
import { chooseStores } from './backup-stores.ts'
import { inBytes, phaseBars, printJson, runStoreCommand } from './backup-terminal.ts'
import { bold, dim, print, untilInterrupted } from './terminal.ts'

export interface RestoreFlags {
  config?: string
  dataDir?: string
  from: string
  endpoint?: string
  asOf?: Date
  verifyOnly?: boolean
  force?: boolean
  trustKey?: string
  limit?: number
  json?: boolean
}

/** `orrery restore`: a service's store from a snapshot. */
export async function restore(service: string, flags: RestoreFlags): Promise<void> {
  await runStoreCommand(async () => {
    const signal = untilInterrupted()
    const chosen = await chooseStores([service], flags)
    if (!chosen) return
    const { dataDir } = chosen.stores[0]!
    const bars = phaseBars(service, { fetching: 'fetching', checking: 'checking' })
    const report = await runRestore({
      service,
      dataDir,
      from: flags.from,
      endpoint: flags.endpoint,
      asOf: flags.asOf,
      verifyOnly: flags.verifyOnly,
      force: flags.force,
      trustKey: flags.trustKey,
      bytesPerSecond: flags.limit,
      signal,
      onProgress: ({ phase, doneBytes, totalBytes }) => bars.at(phase, doneBytes, totalBytes),
    }).finally(() => bars.end())
    if (flags.json === true) return printJson(report)
    const { manifest, storeBytes, fetched, tookMs } = report
    const what = flags.verifyOnly === true ? 'is whole' : `is in ${dataDir}`
    print(
      `${bold(service)} as of ${manifest.time} ${what}: ${inBytes(storeBytes)}, of which ${inBytes(fetched.bytes)} were fetched in ${(tookMs / 1000).toFixed(1)} s`,
      dim(`signed with ${manifest.publicKey}`),
      ...manifest.upstream.map(({ source, cursor }) => dim(`goes on at ${source} from ${cursor}`)),
    )
  })
}
