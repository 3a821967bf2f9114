import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { integrityCheck, openDatabase } from '@orrery/storage'
import { chunkBytes, maxPackedBytes, unpack } from './chunk.ts'
import { readMap } from './collect.ts'
import type { Source } from './destination/types.ts'
import { BackupError } from './errors.ts'
import { keys } from './keys.ts'
import type { Limit } from './limit.ts'
import { type Manifest, type ManifestFile, sizeOf } from './manifest.ts'
import type { PageMap } from './page-map.ts'
import type { RestoreProgress } from './restore.ts'
import { inParallel, retry } from './retry.ts'

/** Objects on their way at a time. */
const width = 12

export interface AssemblyOptions {
  source: Source
  manifest: Manifest
  /** Where the store is put together. */
  folder: string
  limit: Limit
  signal?: AbortSignal | undefined
  onProgress?: ((progress: RestoreProgress) => void) | undefined
}

/** A chunk that is to be fetched, and where its pages go: slot, page, count. */
interface Piece {
  sha256: string
  places: [slot: number, page: number, count: number][]
}

/** A store that is put together from chunks in a folder of its own. What is there already is not fetched again. */
export class Assembly {
  readonly #options: AssemblyOptions
  readonly fetched = { objects: 0, bytes: 0 }
  #doneBytes = 0

  constructor(options: AssemblyOptions) {
    this.#options = options
  }

  /** Fetches all files, each chunk checked. A folder of another snapshot is cleared first. */
  async fetch(): Promise<void> {
    const { folder, manifest } = this.#options
    await mkdir(folder, { recursive: true })
    const markPath = join(folder, '.snapshot')
    const isSame = existsSync(markPath) && readFileSync(markPath, 'utf8') === manifest.signature
    if (!isSame) {
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
      await writeFile(markPath, manifest.signature)
    }
    for (const file of manifest.files) await this.#fetchFile(file)
  }

  /**
   * Reads every file back and compares it with the manifest, looks through the structure of its pages, and leaves nothing in
   * the folder but the store.
   */
  async check(): Promise<void> {
    const { folder, manifest, signal } = this.#options
    this.#doneBytes = 0
    for (const file of manifest.files) {
      const path = join(folder, file.path)
      const hash = createHash('sha256')
      for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
        hash.update(part as Buffer)
        this.#advance('checking', (part as Buffer).length)
      }
      if (hash.digest('hex') !== file.sha256) {
        // What an earlier run had written is in doubt as well.
        await rm(journalOf(path), { force: true })
        await rm(path, { force: true })
        throw new BackupError('damaged', `${file.path} came out other than it was saved; restore it again`)
      }
      const db = openDatabase(path, { readonly: true })
      const problems = integrityCheck(db)
      db.close()
      if (problems.length > 0) {
        throw new BackupError('damaged', `${file.path} was saved damaged: ${problems.slice(0, 3).join('; ')}`)
      }
    }
    for (const file of manifest.files) {
      const path = join(folder, file.path)
      for (const leftover of [journalOf(path), `${path}-wal`, `${path}-shm`])
        await rm(leftover, { force: true })
      const handle = await open(path)
      await handle.sync()
      await handle.close()
    }
    await rm(join(folder, '.snapshot'), { force: true })
  }

  async #fetchFile(file: ManifestFile): Promise<void> {
    const { folder, source, manifest, signal } = this.#options
    const path = join(folder, file.path)
    await mkdir(dirname(path), { recursive: true })
    const pieces = piecesOf(await readMap(source, manifest, file))
    const done = existsSync(path) ? readJournal(journalOf(path)) : new Set<string>()
    await using handle = await open(path, existsSync(path) ? 'r+' : 'w+')
    await handle.truncate(file.bytes)
    await using journal = await open(journalOf(path), done.size > 0 ? 'a' : 'w')
    const missing = pieces.filter(({ sha256, places }) => {
      const isThere = done.has(sha256)
      if (isThere) this.#advance('fetching', bytesOf(places, file.pageSize))
      return !isThere
    })
    await inParallel(missing, width, async piece => {
      signal?.throwIfAborted()
      await this.#fetchPiece(piece, file, handle)
      // Only when the pages are written.
      await journal.write(`${piece.sha256}\n`)
    })
  }

  async #fetchPiece(
    { sha256, places }: Piece,
    { pageSize, path }: ManifestFile,
    handle: FileHandle,
  ): Promise<void> {
    const { source, manifest, limit, signal } = this.#options
    const key = keys.chunk(manifest.service, sha256)
    const what = `${key} at ${source.name} (of ${path})`
    const maxBytes = Math.max(chunkBytes, pageSize)
    const packed = await retry(() => source.get(key, maxPackedBytes(maxBytes)), signal)
    if (!packed) throw new BackupError('missing', `${what} is missing; the snapshot cannot be used`)
    await limit(packed.length)
    const plain = await unpack(packed, sha256, maxBytes, what)
    for (const [slot, page, count] of places) {
      const part = plain.subarray(slot * pageSize, (slot + count) * pageSize)
      if (part.length < count * pageSize) throw new BackupError('damaged', `${what} has too few pages`)
      await handle.write(part, 0, part.length, page * pageSize)
    }
    this.fetched.objects++
    this.fetched.bytes += packed.length
    this.#advance('fetching', bytesOf(places, pageSize))
  }

  #advance(phase: RestoreProgress['phase'], bytes: number): void {
    this.#doneBytes += bytes
    const { onProgress, manifest } = this.#options
    onProgress?.({ phase, doneBytes: this.#doneBytes, totalBytes: sizeOf(manifest) })
  }
}

/** The chunks of a file, in the order in which its pages need them first. */
function piecesOf({ chunks, runs }: PageMap): Piece[] {
  const pieces: Piece[] = chunks.map(sha256 => ({ sha256, places: [] }))
  let page = 0
  for (let i = 0; i < runs.length; i += 3) {
    const count = runs[i + 2]!
    pieces[runs[i]!]!.places.push([runs[i + 1]!, page, count])
    page += count
  }
  return pieces
}

function bytesOf(places: Piece['places'], pageSize: number): number {
  return places.reduce((sum, [, , count]) => sum + count * pageSize, 0)
}

function journalOf(path: string): string {
  return `${path}.fetched`
}

/** Which chunks are in the file; a line that was cut off is none. */
function readJournal(path: string): Set<string> {
  if (!existsSync(path)) return new Set()
  return new Set(
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .filter(line => /^[0-9a-f]{64}$/.test(line)),
  )
}
