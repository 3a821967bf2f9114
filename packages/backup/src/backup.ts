import { join, resolve } from 'node:path'
import { lockFolder, StorageError } from '@orrery/storage'
import { pack, sha256Of } from './chunk.ts'
import { collect, type Collected } from './collect.ts'
import { openDestination } from './destination/open.ts'
import type { Destination } from './destination/types.ts'
import { BackupError } from './errors.ts'
import { factsOf } from './facts.ts'
import { keys, nameOf } from './keys.ts'
import { openSigningKey } from './key.ts'
import { createLimit } from './limit.ts'
import { type Manifest, signManifest, sizeOf } from './manifest.ts'
import { Marks } from './marks.ts'
import { Outbox } from './outbox.ts'
import { defaultKeep, type Keep } from './retention.ts'
import { retry } from './retry.ts'
import { Scan, type Snapshot } from './scan.ts'
import { StoreSet } from './store-set.ts'

export interface BackupOptions {
  /** The service's name, which becomes a folder at the destination: `constellation`. */
  service: string
  /** The service's data folder. The service may be running, in any process but this one. */
  dataDir: string
  /** A folder, or `s3://bucket/prefix`. */
  to: string
  /** Where the S3 server is, when it is not Amazon's. */
  endpoint?: string | undefined
  /** Where the signing key is kept, and what the destination is known to have. Shared by the services of a suite. */
  stateDir: string
  /** What the service counts, by name: SQL that answers one number, and the file to ask. Cheap, please: the view is held for it. */
  counts?: Readonly<Record<string, { file: string; sql: string }>> | undefined
  keep?: Partial<Keep> | undefined
  /** At most so many bytes a second to the destination. */
  bytesPerSecond?: number | undefined
  /** How much may gather on disk while the view is held, bytes. Default 512 MiB. */
  spoolBytes?: number | undefined
  /** Of the code, for the manifest. */
  version?: string | undefined
  signal?: AbortSignal | undefined
  /** Told now and then how many bytes of the store were looked at, and sent. */
  onProgress?: ((progress: BackupProgress) => void) | undefined
  /** For S3's credentials. Default: that of the process. */
  env?: NodeJS.ProcessEnv | undefined
}

export interface BackupProgress {
  /** `reading`: ahead of the snapshot; `snapshot`: the snapshot itself; `sending`: what is left of it. */
  phase: 'reading' | 'snapshot' | 'sending'
  doneBytes: number
  totalBytes: number
  sentBytes: number
}

export interface BackupReport {
  /** The snapshot's name at the destination. */
  name: string
  manifest: Manifest
  /** Bytes of the store. */
  storeBytes: number
  /** What went to the destination, with the map and the manifest. */
  sent: { objects: number; bytes: number }
  /** How long the view was held, milliseconds, and by how much the write-ahead logs had grown at its end. */
  heldMs: number
  walBytes: number
  tookMs: number
  removed: Collected
}

/** How often the snapshot is begun again, when more changed than fits on the disk meanwhile. */
const attempts = 3

/** A store of this size is read and sent at one go, also the first time: the view is held for half a minute at most. */
const atOneGoBytes = 4 * 1024 ** 3

/**
 * Makes a snapshot of a service's store and takes it to a destination; then removes what need not be kept. The store may be
 * written to all the while.
 *
 * What the destination lacks of a large store goes there before the snapshot itself begins, at whatever speed that goes. Then the view is
 * held for as long as the store takes to be read once, and only what changed meanwhile is gathered, on disk if need be. So
 * the write-ahead log grows for seconds, not for the hours that an upload may take.
 *
 * Must not run in the process of the service: files that are read here stay open until the process ends.
 *
 * @throws BackupError, StorageError
 */
export async function runBackup(options: BackupOptions): Promise<BackupReport> {
  const { service, dataDir, stateDir, signal } = options
  const startedAt = performance.now()
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.use(claim(join(stateDir, service)))
  const destination = cleanUp.use(
    openDestination(options.to, { endpoint: options.endpoint, env: options.env }),
  )
  const key = openSigningKey(join(stateDir, 'key.pem'))
  const set = cleanUp.use(new StoreSet(dataDir))
  const marks = new Marks(destination, service, stateDir)
  cleanUp.use(await marks.writing(signal))

  const known = await listChunks(destination, service)
  const where = options.to.startsWith('s3://') ? options.to : resolve(options.to)
  const folder = join(
    stateDir,
    service,
    sha256Of(Buffer.from(`${options.endpoint ?? ''} ${where}`)).slice(0, 16),
  )
  const outbox = cleanUp.use(
    new Outbox({
      destination,
      limit: createLimit(options.bytesPerSecond, signal),
      spoolPath: join(folder, 'spool'),
      signal,
    }),
  )
  const scan = new Scan({ set, outbox, known, folder, service, signal, onProgress: options.onProgress })

  let found: Snapshot<ReturnType<typeof factsOf>> | undefined
  for (let attempt = 1; ; attempt++) {
    if (attempt > 1 || (scan.isFirst && scan.storeBytes > atOneGoBytes)) await scan.ahead()
    const spoolBytes = attempt === attempts ? Infinity : (options.spoolBytes ?? 512 * 1024 * 1024)
    found = await scan.snapshot(spoolBytes, view => factsOf(view, options.counts ?? {}))
    if (found) break
  }
  await scan.sending()

  const files: Manifest['files'] = []
  for (const { map, ...file } of found.files) {
    const sha256 = sha256Of(map)
    if (!known.has(keys.map(service, sha256)))
      await putMap(destination, keys.map(service, sha256), map, outbox)
    files.push({ ...file, map: sha256, mapBytes: map.length })
  }
  const time = new Date(found.time).toISOString()
  const { manifest, bytes } = signManifest(
    {
      service,
      time,
      version: options.version ?? '',
      files,
      ...found.facts,
      added: { objects: outbox.sent.objects, bytes: outbox.sent.bytes },
    },
    key,
  )
  await destination.flush()
  const name = nameOf(time)
  await retry(() => destination.put(keys.snapshot(service, name), bytes), signal)
  await destination.flush()
  scan.save()
  const removed = await collect(destination, service, { ...defaultKeep, ...options.keep }, marks)
  return {
    name,
    manifest,
    storeBytes: sizeOf(manifest),
    sent: { objects: outbox.sent.objects + 1, bytes: outbox.sent.bytes + bytes.length },
    heldMs: found.heldMs,
    walBytes: found.walBytes,
    tookMs: performance.now() - startedAt,
    removed,
  }
}

/** Keys of chunks and maps that are there. One that is empty is not. */
async function listChunks(destination: Destination, service: string): Promise<Set<string>> {
  const known = new Set<string>()
  for (const prefix of [keys.chunks(service), keys.maps(service)]) {
    for (const { key, bytes } of await retry(() => destination.list(prefix))) if (bytes > 0) known.add(key)
  }
  return known
}

async function putMap(destination: Destination, key: string, map: Buffer, outbox: Outbox): Promise<void> {
  const body = await pack(map)
  await retry(() => destination.put(key, body))
  outbox.sent.objects++
  outbox.sent.bytes += body.length
}

function claim(folder: string): Disposable {
  try {
    return lockFolder(folder)
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'busy')) throw error
    throw new BackupError('busy', `another backup of this store is running (${folder}); wait for its end`, {
      cause: error,
    })
  }
}
