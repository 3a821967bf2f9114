import { fdatasyncSync, statSync } from 'node:fs'
import { type Database, openDatabase } from '@orrery/storage'
import { BackupError } from './errors.ts'
import { openForGood, readFully } from './raw-files.ts'
import { mapFrames, readWalState } from './wal.ts'

/** How often the instant between two commits is looked for before it is given up. */
const attempts = 1_000

/** So many pages in the log are left to the writer, who moves a thousand at a time; more would make it wait for the disk. */
const checkpointPages = 900

/** How often what came into the log meanwhile is moved too, before it is left to the writer. */
const rounds = 20

/** A consistent view of a file: as one transaction left it, whatever is written meanwhile. */
export interface FileView {
  readonly pageSize: number
  readonly pages: number
  /** The file as it lies on disk, if it is the whole of the view and was at rest when the view began. */
  readonly stamp: string | undefined
  /** Reads whole pages from a page on, counted from 0. */
  read(page: number, into: Buffer): void
  /** For questions in SQL; they see the view. */
  readonly db: Database
}

/**
 * One database file of a store that another process may be writing. Reads pages past SQLite, as this build of it has no way
 * to hand them out; SQLite's own read transaction is what keeps them from changing.
 */
export class StoreFile implements Disposable {
  readonly path: string
  /** Holds the view. */
  #db: Database
  /** For the steps in which a view ends. */
  #next: Database | undefined
  readonly #main: number
  readonly #wal: number
  readonly #shm: number
  /** For checkpoints alone. */
  #writer: Database | undefined
  #heldMark = ''

  /** @throws StorageError where it cannot be opened */
  constructor(path: string) {
    this.path = path
    this.#db = this.#open()
    // The log and its index are there from the first read on, and stay while this connection is open.
    this.#db.prepare('SELECT count(*) FROM sqlite_schema').get()
    this.#main = openForGood(path, identityOf(path))
    this.#wal = openForGood(`${path}-wal`, identityOf(`${path}-wal`))
    this.#shm = openForGood(`${path}-shm`, identityOf(`${path}-shm`))
  }

  /** Whether nobody committed since the view began. */
  isCurrent(): boolean {
    return readWalState(this.#shm)?.mark === this.#heldMark
  }

  get pageSize(): number {
    return this.#db.pragma('page_size', { simple: true }) as number
  }

  /** Pages as they lie in the file, of no certain instant: for what is checked later. Answers how many whole ones there were. */
  readLoose(page: number, pageSize: number, into: Buffer): number {
    return Math.floor(readFully(this.#main, into, page * pageSize) / pageSize)
  }

  /** The pages of the file as it lies on disk. */
  loosePages(pageSize: number): number {
    return Math.floor(statSync(this.path).size / pageSize)
  }

  /**
   * Begins a view of now. Writers go on; their log grows until `release`, as nothing that the view needs may be written
   * over. Readers notice nothing.
   */
  hold(): FileView {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const view = this.#tryHold()
      if (view) return view
      this.release()
    }
    throw new BackupError('busy', `${this.path} changes too fast to be looked at; try again`)
  }

  /**
   * Ends the view; nothing may be read from it any more. What gathered in the log meanwhile is moved into the file and made
   * safe from here: else the writer's next commit would do it all, and wait for the disk. It is kept from that by a view of
   * now, which begins before the older one ends, as no checkpoint goes beyond what is being read; and what it wrote
   * while that was moved is moved in the same way, until it is little.
   */
  release(): void {
    if (!this.#db.inTransaction) return
    for (let round = 0; round < rounds && this.#pending() >= checkpointPages; round++) {
      this.#writer ??= openDatabase(this.path, { busyTimeoutMs: 0, cacheBytes: 1024 * 1024 })
      const next = (this.#next ??= this.#open())
      const checkpoint = this.#writer.prepare('PRAGMA wal_checkpoint(PASSIVE)')
      begin(next)
      this.#db.exec('COMMIT')
      checkpoint.get()
      // SQLite leaves that to whoever moves the last page of a log.
      fdatasyncSync(this.#main)
      this.#next = this.#db
      this.#db = next
    }
    this.#db.exec('COMMIT')
  }

  [Symbol.dispose](): void {
    this.release()
    this.#writer?.close()
    this.#next?.close()
    this.#db.close()
  }

  #open(): Database {
    return openDatabase(this.path, { readonly: true, cacheBytes: 1024 * 1024 })
  }

  /** Pages in the log that are not in the file. */
  #pending(): number {
    const { maxFrame = 0, backfilled = 0 } = readWalState(this.#shm) ?? {}
    return maxFrame - backfilled
  }

  #tryHold(): FileView | undefined {
    const before = readWalState(this.#shm)
    const pages = begin(this.#db)
    const pageSize = this.#db.pragma('page_size', { simple: true }) as number
    // A transaction that begins between two looks at the same index sees what that index says. And how much is in the
    // file already is of the same log, if the index still is.
    const state = readWalState(this.#shm)
    const after = readWalState(this.#shm)
    if (!before || !state || state.mark !== before.mark || after?.mark !== state.mark) return undefined
    this.#heldMark = state.mark
    // Where all is in the file, that cannot change under a reader; else what is not yet there can only be in the log.
    const isInFile = state.backfilled >= state.maxFrame
    const frames = isInFile ? new Map<number, number>() : mapFrames(this.#wal, { ...state, pageSize })
    const one = (page: number, into: Buffer): void => {
      const place = frames.get(page + 1)
      if (place !== undefined) readFully(this.#wal, into, place)
    }
    return {
      pageSize,
      pages,
      db: this.#db,
      stamp: isInFile ? stampOf(this.path) : undefined,
      read: (page, into) => {
        readFully(this.#main, into, page * pageSize)
        if (frames.size === 0) return
        for (let at = 0; at < into.length; at += pageSize) {
          one(page + at / pageSize, into.subarray(at, at + pageSize))
        }
      },
    }
  }
}

/** Begins to read; what is seen from here on is of now. Answers the pages that there are. */
function begin(db: Database): number {
  db.exec('BEGIN')
  return db.pragma('page_count', { simple: true }) as number
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path)
  return `${dev}:${ino}`
}

/** A file's times are as fine as the system's clock ticks; what changed within a tick shows the same. */
const restMs = 5_000

function stampOf(path: string): string | undefined {
  const { ino, size, mtimeNs, mtimeMs } = statSync(path, { bigint: true })
  return Date.now() - Number(mtimeMs) < restMs ? undefined : `${ino}:${size}:${mtimeNs}`
}
