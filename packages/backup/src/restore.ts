import { existsSync, readdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { lockFolder, StorageError } from '@orrery/storage'
import { Assembly } from './assembly.ts'
import { openSource } from './destination/open.ts'
import type { Source } from './destination/types.ts'
import { BackupError } from './errors.ts'
import { timeOf } from './keys.ts'
import { createLimit } from './limit.ts'
import { type Manifest, sizeOf } from './manifest.ts'
import { readSnapshot, snapshotNames } from './snapshots.ts'

export interface RestoreOptions {
  service: string
  /** The service's data folder, which must not be there, or be empty; else see `force`. */
  dataDir: string
  /** A folder, `s3://bucket/prefix` or `https://…`. */
  from: string
  endpoint?: string | undefined
  /** The newest snapshot of this moment or before; by default the newest. */
  asOf?: Date | undefined
  /** Fetch and check everything, keep nothing. */
  verifyOnly?: boolean | undefined
  /** Take the place of a store that is there. */
  force?: boolean | undefined
  /** The public key that the snapshot must be signed with; by default any. */
  trustKey?: string | undefined
  bytesPerSecond?: number | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: RestoreProgress) => void) | undefined
  env?: NodeJS.ProcessEnv | undefined
}

export interface RestoreProgress {
  phase: 'fetching' | 'checking'
  doneBytes: number
  totalBytes: number
}

export interface RestoreReport {
  name: string
  manifest: Manifest
  storeBytes: number
  /** Objects that were fetched now, and their bytes; what an earlier run had fetched is not among them. */
  fetched: { objects: number; bytes: number }
  tookMs: number
}

/** What a listing tells of a snapshot; a manifest that cannot be used is told of by its error. */
export interface Listed {
  name: string
  time: string
  manifest: Manifest | undefined
  problem: string | undefined
}

/** All snapshots of a service, oldest first. @throws BackupError where the source cannot be read */
export async function listSnapshots(
  options: Pick<RestoreOptions, 'service' | 'from' | 'endpoint' | 'env'>,
): Promise<Listed[]> {
  const source = openSource(options.from, options)
  const listed: Listed[] = []
  for (const name of await snapshotNames(source, options.service)) {
    const entry: Listed = { name, time: timeOf(name)!, manifest: undefined, problem: undefined }
    try {
      entry.manifest = await readSnapshot(source, options.service, name)
    } catch (error) {
      if (!(error instanceof BackupError)) throw error
      entry.problem = error.message
    }
    listed.push(entry)
  }
  return listed
}

/**
 * Fetches a snapshot, checks every chunk, every file and the structure of every database, and puts it in place at one stroke.
 * Until then everything is in a folder beside it, from where a run that was broken off goes on.
 *
 * @throws BackupError `exists` where a store is there; `busy` where its service runs; `missing`, `damaged`, `untrusted`,
 *   `unreachable`. What is wrong is named. Nothing of the store's place has changed then.
 */
export async function runRestore(options: RestoreOptions): Promise<RestoreReport> {
  const { service, signal } = options
  const startedAt = performance.now()
  const place = resolve(options.dataDir)
  const isKept = options.verifyOnly !== true
  // A run that ended between its two renames had taken away the old store, and not yet put the new one there.
  if (!existsSync(place) && existsSync(replacedOf(place))) await rename(replacedOf(place), place)
  if (isKept && options.force !== true && isStore(place)) {
    throw new BackupError(
      'exists',
      `there is a store in ${place}. To replace it, stop its service and give --force; or choose another --data-dir.`,
    )
  }
  const source = openSource(options.from, { endpoint: options.endpoint, env: options.env })
  const name = await chooseSnapshot(source, service, options.asOf)
  const manifest = await readSnapshot(source, service, name)
  if (options.trustKey !== undefined && manifest.publicKey !== options.trustKey) {
    throw new BackupError(
      'untrusted',
      `snapshot ${name} is signed with the key ${manifest.publicKey}, not with the one to be trusted`,
    )
  }
  await using cleanUp = new AsyncDisposableStack()
  if (isKept && isStore(place)) cleanUp.use(claim(place))
  const workFolder = join(dirname(place), `${basename(place)}.${isKept ? 'restoring' : 'verifying'}`)
  cleanUp.use(claim(`${workFolder}.lock`))
  cleanUp.defer(() => rm(`${workFolder}.lock`, { recursive: true, force: true }))
  const assembly = new Assembly({
    source,
    manifest,
    folder: workFolder,
    limit: createLimit(options.bytesPerSecond, signal),
    signal,
    onProgress: options.onProgress,
  })
  if (!isKept) await rm(workFolder, { recursive: true, force: true })
  try {
    await assembly.fetch()
    await assembly.check()
  } finally {
    if (!isKept) await rm(workFolder, { recursive: true, force: true })
  }
  if (isKept) await putInPlace(workFolder, place)
  return {
    name,
    manifest,
    storeBytes: sizeOf(manifest),
    fetched: assembly.fetched,
    tookMs: performance.now() - startedAt,
  }
}

async function chooseSnapshot(source: Source, service: string, asOf: Date | undefined): Promise<string> {
  const names = await snapshotNames(source, service)
  if (names.length === 0) {
    throw new BackupError('missing', `there is no snapshot of ${service} at ${source.name}`)
  }
  const fitting = asOf ? names.filter(name => Date.parse(timeOf(name)!) <= asOf.getTime()) : names
  const name = fitting.at(-1)
  if (name !== undefined) return name
  throw new BackupError('missing', `the oldest snapshot of ${service} is of ${timeOf(names[0]!)}`)
}

/** Whether a folder has anything in it that a service would go on from. */
function isStore(folder: string): boolean {
  return (
    existsSync(folder) && readdirSync(folder).some(name => name !== 'lock.sqlite' && !name.startsWith('.'))
  )
}

/**
 * Two renames, of which only the second makes the new store one that a service finds. What it replaces is removed after; the
 * caches in it, which any store may go on with, are taken along.
 */
async function putInPlace(workFolder: string, place: string): Promise<void> {
  const old = replacedOf(place)
  await rm(old, { recursive: true, force: true })
  if (existsSync(place)) await rename(place, old)
  await rename(workFolder, place)
  const parent = await open(dirname(place))
  await parent.sync()
  await parent.close()
  for (const cache of ['identity.sqlite', 'handles.sqlite']) {
    for (const suffix of ['', '-wal', '-shm']) {
      await rename(join(old, cache + suffix), join(place, cache + suffix)).catch(() => {})
    }
  }
  await rm(old, { recursive: true, force: true })
}

function replacedOf(place: string): string {
  return `${place}.replaced`
}

function claim(folder: string): Disposable {
  try {
    return lockFolder(folder)
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'busy')) throw error
    throw new BackupError('busy', `another process works on ${folder}; stop it first`, { cause: error })
  }
}
