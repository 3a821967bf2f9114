import { z } from 'zod'
import type { Destination, Source } from './destination/types.ts'
import { BackupError } from './errors.ts'
import { keys, timeOf } from './keys.ts'
import { type Manifest, maxManifestBytes, readManifest } from './manifest.ts'
import { retry } from './retry.ts'

const index = z.object({ snapshots: z.array(z.string().max(100)).max(100_000) })

/** The names of a service's snapshots, oldest first. Where the source cannot be listed, as its index has them. */
export async function snapshotNames(source: Source, service: string): Promise<string[]> {
  const listed = await retry(() => source.list(keys.snapshots(service)))
  if (listed) return namesIn(listed.map(({ key }) => key.slice(keys.snapshots(service).length)))
  const bytes = await retry(() => source.get(keys.index(service), maxManifestBytes))
  if (!bytes) return []
  try {
    const { snapshots } = index.parse(JSON.parse(bytes.toString('utf8')))
    return namesIn(snapshots.map(name => `${name}.json`))
  } catch (cause) {
    throw new BackupError('damaged', `${keys.index(service)} at ${source.name} is no index`, { cause })
  }
}

/** Writes the index for those who cannot list. */
export async function writeIndex(destination: Destination, service: string): Promise<void> {
  const snapshots = await snapshotNames(destination, service)
  await retry(() => destination.put(keys.index(service), Buffer.from(JSON.stringify({ snapshots }))))
  await destination.flush()
}

/** @throws BackupError `missing`, `damaged`, `untrusted` or `unreachable` */
export async function readSnapshot(source: Source, service: string, name: string): Promise<Manifest> {
  const key = keys.snapshot(service, name)
  const bytes = await retry(() => source.get(key, maxManifestBytes))
  if (!bytes) throw new BackupError('missing', `there is no ${key} at ${source.name}`)
  const manifest = readManifest(bytes, `${key} at ${source.name}`)
  if (manifest.service !== service) {
    throw new BackupError('damaged', `${key} at ${source.name} is of another service, ${manifest.service}`)
  }
  return manifest
}

function namesIn(files: readonly string[]): string[] {
  return files
    .filter(file => file.endsWith('.json'))
    .map(file => file.slice(0, -'.json'.length))
    .filter(name => timeOf(name) !== undefined)
    .toSorted()
}
