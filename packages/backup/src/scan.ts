import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { BackupProgress } from './backup.ts'
import { chunkBytes, pagesPerChunk } from './chunk.ts'
import { Gatherer } from './gatherer.ts'
import { keys } from './keys.ts'
import { Ledger } from './ledger.ts'
import type { ManifestFile } from './manifest.ts'
import type { Outbox } from './outbox.ts'
import { writePageMap } from './page-map.ts'
import type { FileView } from './store-file.ts'
import type { StoreSet, StoreView } from './store-set.ts'

export interface ScanOptions {
  set: StoreSet
  outbox: Outbox
  /** Keys that the destination has or is about to have; what is put is added. */
  known: Set<string>
  /** For the ledgers of this destination. */
  folder: string
  service: string
  signal?: AbortSignal | undefined
  onProgress?: ((progress: BackupProgress) => void) | undefined
}

const tellEveryMs = 100

/** A file of the snapshot, with the map of its pages. */
export type ScannedFile = Omit<ManifestFile, 'map' | 'mapBytes'> & { map: Buffer }

export interface Snapshot<Facts> {
  time: number
  files: ScannedFile[]
  facts: Facts
  heldMs: number
  walBytes: number
}

interface Known {
  ledger: Ledger
  /** Of the file as a whole, when it lay on disk as the stamp says. */
  path: string
}

/** Reads a store, and gives the outbox what the destination has not. */
export class Scan {
  readonly #options: ScanOptions
  readonly #ledgers = new Map<string, Known>()
  #progress: BackupProgress = { phase: 'reading', doneBytes: 0, totalBytes: 0, sentBytes: 0 }

  constructor(options: ScanOptions) {
    this.#options = options
  }

  /** Whether nothing is known of what the destination has. */
  get isFirst(): boolean {
    const { set } = this.#options
    return [...set.files].every(([path, file]) => this.#ledger(path, file.pageSize).pages === 0)
  }

  /** As the files lie on disk now. */
  get storeBytes(): number {
    const { set } = this.#options
    return [...set.files.values()].reduce((sum, file) => sum + file.loosePages(1), 0)
  }

  /**
   * Takes to the destination what it lacks of the files as they lie on disk now. What is of no one instant is found out by the
   * snapshot; most of it stays as it is.
   */
  async ahead(): Promise<void> {
    const { set, signal } = this.#options
    const files = [...set.files].map(([path, file]) => ({
      path,
      file,
      pages: file.loosePages(file.pageSize),
    }))
    this.#begin(
      'reading',
      files.reduce((sum, { file, pages }) => sum + pages * file.pageSize, 0),
    )
    for (const { path, file, pages } of files) {
      const { pageSize } = file
      const gatherer = this.#gatherer(this.#ledger(path, pageSize), true)
      const buffer = Buffer.alloc(Math.max(chunkBytes, pageSize))
      for (let page = 0; page < pages;) {
        signal?.throwIfAborted()
        const count = Math.min(pagesPerChunk(pageSize), pages - page)
        const whole = file.readLoose(page, pageSize, buffer.subarray(0, count * pageSize))
        await gatherer.take(page, buffer.subarray(0, whole * pageSize))
        if (whole < count) break
        page += count
        this.#advance(count * pageSize)
      }
      await gatherer.flush()
    }
  }

  /**
   * The snapshot. Undefined when more than `spoolBytes` waits to be sent: then it is better to send that first.
   *
   * @param ask what is asked of the view before it is read
   */
  async snapshot<Facts>(
    spoolBytes: number,
    ask: (view: StoreView) => Facts,
  ): Promise<Snapshot<Facts> | undefined> {
    const { set, outbox, signal } = this.#options
    const view = await set.hold()
    const heldFrom = performance.now()
    try {
      const facts = ask(view)
      this.#begin(
        'snapshot',
        [...view.files.values()].reduce((sum, file) => sum + file.pages * file.pageSize, 0),
      )
      const files: ScannedFile[] = []
      let walBytes = 0
      // Each is let go of when it was read; the smallest first, so that none waits for a large one.
      const smallestFirst = [...view.files].toSorted(([, a], [, b]) => a.pages - b.pages)
      for (const [path, file] of smallestFirst) {
        const scanned = await this.#file(path, file, () => {
          signal?.throwIfAborted()
          return outbox.pendingBytes <= spoolBytes
        })
        if (!scanned) return undefined
        files.push(scanned)
        walBytes += statSync(join(set.folder, `${path}-wal`), { throwIfNoEntry: false })?.size ?? 0
        view.release(path)
      }
      return {
        time: view.time,
        files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
        facts,
        heldMs: performance.now() - heldFrom,
        walBytes,
      }
    } finally {
      set.release()
    }
  }

  /** From here on only what is sent is told, until all is. */
  async sending(): Promise<void> {
    this.#progress = { ...this.#progress, phase: 'sending' }
    const timer = setInterval(() => this.#advance(0), tellEveryMs)
    try {
      await this.#options.outbox.drained()
    } finally {
      clearInterval(timer)
    }
  }

  /** Keeps what is known of the destination now, for the next snapshot. */
  save(): void {
    for (const { ledger, path } of this.#ledgers.values()) ledger.save(path)
  }

  async #file(path: string, view: FileView, mayGoOn: () => boolean): Promise<ScannedFile | undefined> {
    const { pageSize, pages } = view
    const ledger = this.#ledger(path, pageSize)
    const facts = {
      path,
      pageSize,
      pages,
      bytes: pages * pageSize,
      schemaVersion: view.db.pragma('user_version', { simple: true }) as number,
    }
    // What lies there as it did when it was read last, and is known in full, need not be read again.
    if (view.stamp !== undefined && ledger.isWhole(view.stamp, pages)) {
      this.#advance(facts.bytes)
      return { ...facts, sha256: ledger.sha256, map: writePageMap(ledger.finish(pages)) }
    }
    const gatherer = this.#gatherer(ledger, false)
    const sha256 = createHash('sha256')
    const buffer = Buffer.alloc(Math.max(chunkBytes, pageSize))
    for (let page = 0; page < pages;) {
      if (!mayGoOn()) return undefined
      const count = Math.min(pagesPerChunk(pageSize), pages - page)
      const bytes = buffer.subarray(0, count * pageSize)
      view.read(page, bytes)
      sha256.update(bytes)
      await gatherer.take(page, bytes)
      page += count
      this.#advance(bytes.length)
    }
    await gatherer.flush()
    const map = writePageMap(ledger.finish(pages))
    ledger.note(view.stamp, sha256.digest('hex'))
    return { ...facts, sha256: ledger.sha256, map }
  }

  #gatherer(ledger: Ledger, waits: boolean): Gatherer {
    const { known, outbox, service } = this.#options
    return new Gatherer(ledger, async (chunk, plain) => {
      const key = keys.chunk(service, chunk)
      if (known.has(key)) return
      known.add(key)
      await outbox.add(key, plain, waits)
    })
  }

  #ledger(path: string, pageSize: number): Ledger {
    const { folder, known, service } = this.#options
    let entry = this.#ledgers.get(path)
    if (!entry || entry.ledger.pageSize !== pageSize) {
      const ledgerPath = join(folder, `${path.replaceAll('/', '+')}.pages`)
      const ledger = Ledger.load(ledgerPath, pageSize)
      ledger.prune(chunk => known.has(keys.chunk(service, chunk)))
      this.#ledgers.set(path, (entry = { ledger, path: ledgerPath }))
    }
    return entry.ledger
  }

  #begin(phase: BackupProgress['phase'], totalBytes: number): void {
    this.#progress = { ...this.#progress, phase, doneBytes: 0, totalBytes }
  }

  #advance(bytes: number): void {
    this.#progress.doneBytes += bytes
    this.#progress.sentBytes = this.#options.outbox.sent.bytes
    this.#options.onProgress?.(this.#progress)
  }
}
