import { maxPackedBytes, pagesPerChunk, unpack } from './chunk.ts'
import type { Destination, Source } from './destination/types.ts'
import { BackupError } from './errors.ts'
import { keys, timeOf } from './keys.ts'
import type { Manifest, ManifestFile } from './manifest.ts'
import type { Marks } from './marks.ts'
import { type PageMap, readPageMap } from './page-map.ts'
import { chooseKept, type Keep } from './retention.ts'
import { retry } from './retry.ts'
import { readSnapshot, snapshotNames, writeIndex } from './snapshots.ts'

/** What retention removed. `postponed` says why unused chunks stay until another time. */
export interface Collected {
  snapshots: string[]
  chunks: number
  postponed?: string
}

const perRemoval = 1_000

/**
 * Removes the snapshots that are not to be kept, then the chunks and maps that none of the rest refers to. Where it cannot be
 * told what is referred to, or another process is writing a snapshot, nothing but snapshots is removed.
 */
export async function collect(
  destination: Destination,
  service: string,
  keep: Keep,
  marks: Marks,
): Promise<Collected> {
  const names = await snapshotNames(destination, service)
  const kept = chooseKept(names.map(millisOf), keep)
  const snapshots = names.filter(name => !kept.has(millisOf(name)))
  if (snapshots.length > 0) {
    await retry(() => destination.remove(snapshots.map(name => keys.snapshot(service, name))))
  }
  await writeIndex(destination, service)
  if (snapshots.length === 0) return { snapshots, chunks: 0 }

  await using mark = await marks.collecting()
  if (!mark) return { snapshots, chunks: 0, postponed: 'another process is writing a snapshot there' }
  const used = new Set<string>()
  try {
    for (const name of await snapshotNames(destination, service)) {
      const manifest = await readSnapshot(destination, service, name)
      for (const file of manifest.files) {
        used.add(keys.map(service, file.map))
        const { chunks } = await readMap(destination, manifest, file)
        for (const chunk of chunks) used.add(keys.chunk(service, chunk))
      }
    }
  } catch (error) {
    if (!(error instanceof BackupError)) throw error
    return { snapshots, chunks: 0, postponed: error.message }
  }
  const unused: string[] = []
  for (const prefix of [keys.chunks(service), keys.maps(service)]) {
    for (const { key } of await retry(() => destination.list(prefix))) if (!used.has(key)) unused.push(key)
  }
  for (let i = 0; i < unused.length; i += perRemoval) {
    await retry(() => destination.remove(unused.slice(i, i + perRemoval)))
  }
  return { snapshots, chunks: unused.filter(key => key.startsWith(keys.chunks(service))).length }
}

/** Where the pages of a file are. @throws BackupError `missing`, `damaged` or `unreachable` */
export async function readMap(source: Source, { service }: Manifest, file: ManifestFile): Promise<PageMap> {
  const key = keys.map(service, file.map)
  const what = `${key} at ${source.name}`
  const packed = await retry(() => source.get(key, maxPackedBytes(file.mapBytes)))
  if (!packed) throw new BackupError('missing', `${what} is missing; the snapshot cannot be used`)
  return readPageMap(
    await unpack(packed, file.map, file.mapBytes, what),
    file.pages,
    pagesPerChunk(file.pageSize),
  )
}

function millisOf(name: string): number {
  return Date.parse(timeOf(name)!)
}
