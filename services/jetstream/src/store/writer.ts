import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import type { Progress } from '@orrery/firehose'
import { createProgressTables, prepareSaveProgress } from '@orrery/firehose/progress'
import { checkpoint, type Database, isDiskFull, migrate, openDatabase, toStorageError } from '@orrery/storage'
import { joinPacks, packEvents } from './block-codec.ts'
import { segmentMigrations, stateMigrations } from './schema.ts'
import {
  listSegments,
  removeSegment,
  type Segment,
  segmentAt,
  segmentBytes,
  segmentStart,
} from './segments.ts'

export interface WriterOptions {
  folder: string
  /** `full` makes commits survive a power cut too. */
  durability: 'normal' | 'full'
  /** Seams: smaller limits than the defaults. */
  limits?: Partial<WriterLimits> | undefined
}

export interface WriterLimits {
  /** From this many events on the tail is sealed. */
  sealEvents: number
  /** The same in bytes. */
  sealBytes: number
  /** How much may gather unsealed, when sealing fails, before appending fails as well, bytes. */
  maxTailBytes: number
  /** How many pages `state.sqlite` may have; 0 for any number. */
  maxStatePages: number
}

/** A sealed block is large enough that zstd finds its repetitions, and small enough to decode at one go. */
const defaultLimits: WriterLimits = {
  sealEvents: 1024,
  sealBytes: 512 * 1024,
  maxTailBytes: 32 * 1024 * 1024,
  maxStatePages: 0,
}

/** What the log holds when it is opened. */
export interface Opened {
  /** The newest `time_us` ever given; 0 before the first event. */
  last: number
  /** The oldest event kept; 0 where there is none. */
  oldest: number
  /** Everything up to here is sealed; 0 where nothing is. */
  sealed: number
  /** What is not sealed, oldest first, packed. */
  tail: Buffer[]
}

export interface Appended {
  /** Everything up to here is sealed now. */
  sealed: number
  /** Why sealing failed, though the events are safe. It is tried again when as much again has gathered. */
  problem: string | undefined
}

export interface Retained {
  oldest: number
  bytes: number
  removed: string[]
}

/** What the writer's thread serves. */
export interface WriterApi {
  opened(): Opened
  append(
    events: { bytes: Uint8Array; ends: Uint32Array; first: number; last: number },
    progress: Progress,
  ): Appended
  /** Removes what is older than `before` (microseconds), and the oldest beyond `maxBytes`. */
  retain(before: number, maxBytes: number): Retained
}

/**
 * Level 1: what is left after the repetitions are identifiers, which no level gets smaller. Production's lines came to
 * 29.0 % at 1.8 µs an event, and at the default level to 29.3 % at three times that or more. A checksum of 4 bytes, as
 * neither SQLite nor zstd notices a flipped bit by itself.
 */
const zstdParams = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }

/**
 * How many pages the WAL of `state.sqlite` gathers before they move into the file, 16 MB: an account's page is written to
 * often, and moved once. It took a fifth off the cost of a commit of 250 events, against the default of 1,000.
 */
const autoCheckpointPages = 4_000

/**
 * The one writer of the log. A commit puts events and upstream's progress into `state.sqlite` together; now and then
 * what has gathered there is compressed into one block of the hour's segment. A segment's commit is on disk before the
 * tail lets go of the events, so a crash in between leaves them in both, and opening clears that up.
 */
export function openWriter(options: WriterOptions): WriterApi & { dispose(): void } {
  const { folder, durability, limits } = options
  const { sealEvents, sealBytes, maxTailBytes, maxStatePages } = { ...defaultLimits, ...limits }
  const segmentsFolder = join(folder, 'segments')
  mkdirSync(segmentsFolder, { recursive: true })
  const state = openDatabase(join(folder, 'state.sqlite'), {
    durability,
    cacheBytes: 8 * 1024 * 1024,
    autoCheckpointPages,
  })
  migrate(state, stateMigrations)
  createProgressTables(state)
  if (maxStatePages > 0) state.pragma(`max_page_count = ${maxStatePages}`)
  let current: { segment: Segment; db: Database } | undefined

  const saveProgress = prepareSaveProgress(state)
  const insertTail = state.prepare('INSERT INTO tail (last_us, first_us, pack) VALUES (?, ?, ?)')
  const setClock = state.prepare(
    'INSERT INTO clock (id, last_us) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET last_us = excluded.last_us',
  )
  const readTail = state.prepare<[number], { first_us: number; last_us: number; pack: Buffer }>(
    'SELECT first_us, last_us, pack FROM tail WHERE last_us > ? ORDER BY last_us',
  )
  const trimTail = state.prepare('DELETE FROM tail WHERE last_us <= ?')
  const readClock = state.prepare<[], { last_us: number }>('SELECT last_us FROM clock')

  let sealed = newestSealed()
  trimTail.run(sealed)
  const clockAtStart = readClock.get()?.last_us ?? 0
  let tail = { events: 0, bytes: 0, firstUs: 0 }
  for (const row of readTail.iterate(sealed)) addToTail(row.pack, row.first_us)
  let oldest = oldestKept()
  /** How large the tail was when it could not be sealed; reading and compressing it anew each time would be a burden. */
  let failedAt: { events: number; bytes: number } | undefined

  function addToTail(pack: Buffer, first: number): void {
    if (tail.events === 0) tail.firstUs = first
    tail.events += pack.readUInt32LE(0)
    tail.bytes += pack.length
  }

  const commit = state.transaction(
    (pack: Buffer | undefined, first: number, last: number, progress: Progress) => {
      if (pack) {
        insertTail.run(last, first, pack)
        setClock.run(last)
      }
      saveProgress(progress)
    },
  )

  function segmentFor(timeUs: number): Database {
    const segment = segmentAt(segmentsFolder, timeUs)
    if (current?.segment.name === segment.name) return current.db
    closeCurrent()
    // Written once for each block and then never again, so every commit may as well reach the disk.
    // The last checkpoint of an hour does not wait for who reads it meanwhile, such as a backup; its WAL then stays a while.
    const db = openDatabase(segment.path, {
      durability: 'full',
      cacheBytes: 2 * 1024 * 1024,
      busyTimeoutMs: 50,
    })
    try {
      migrate(db, segmentMigrations)
    } catch (error) {
      db.close()
      throw error
    }
    current = { segment, db }
    return db
  }

  function closeCurrent(): void {
    if (!current) return
    checkpoint(current.db)
    current.db.close()
    current = undefined
  }

  function seal(): void {
    const rows = readTail.all(sealed)
    const [first, last] = [rows[0]!.first_us, rows.at(-1)!.last_us]
    const pack = joinPacks(rows.map(row => row.pack))
    const zstd = zstdCompressSync(pack, { params: zstdParams })
    segmentFor(first)
      .prepare('INSERT OR REPLACE INTO blocks (last_us, first_us, events, zstd) VALUES (?, ?, ?, ?)')
      .run(last, first, pack.readUInt32LE(0), zstd)
    // From here on it is sealed, also where the tail cannot let go of it now.
    sealed = last
    tail = { events: 0, bytes: 0, firstUs: 0 }
    failedAt = undefined
    trimTail.run(last)
  }

  /** Whether a full block has gathered, since sealing last failed if it did. */
  function isFull(): boolean {
    const { events = 0, bytes = 0 } = failedAt ?? {}
    return tail.events >= events + sealEvents || tail.bytes >= bytes + sealBytes
  }

  /** Sealing is housekeeping: when it fails, say on a full disk, the events are where they were, in the tail. */
  function trySeal(): string | undefined {
    try {
      seal()
      return undefined
    } catch (error) {
      failedAt = { events: tail.events, bytes: tail.bytes }
      return error instanceof Error ? error.message : String(error)
    }
  }

  /** The newest event in any segment; a segment without blocks is the trace of a crash. */
  function newestSealed(): number {
    for (const segment of listSegments(segmentsFolder).toReversed()) {
      const last = extremeOf(segment, 'max(last_us)')
      if (last > 0) return last
    }
    return 0
  }

  function oldestKept(): number {
    for (const segment of listSegments(segmentsFolder)) {
      const first = extremeOf(segment, 'min(first_us)')
      if (first > 0) return first
    }
    return tail.firstUs
  }

  /** The same after a removal. On a full disk no segment can be looked into: what is surely kept then begins later. */
  function oldestLeft(): number {
    try {
      return oldestKept()
    } catch (error) {
      const second = listSegments(segmentsFolder)[1]
      if (!second || !isDiskFull(error)) throw error
      return segmentStart(second)
    }
  }

  function extremeOf(segment: Segment, expression: string): number {
    const open = current?.segment.name === segment.name ? current.db : undefined
    const db = open ?? openDatabase(segment.path, { durability: 'full', cacheBytes: 1024 * 1024 })
    try {
      if (!open) migrate(db, segmentMigrations)
      return db.prepare<[], { at: number | null }>(`SELECT ${expression} AS at FROM blocks`).get()?.at ?? 0
    } finally {
      if (!open) db.close()
    }
  }

  return {
    opened: () => ({
      last: Math.max(clockAtStart, sealed),
      oldest,
      sealed,
      tail: readTail.all(sealed).map(row => row.pack),
    }),
    append({ bytes, ends, first, last }, progress) {
      try {
        if (tail.bytes > maxTailBytes) seal()
      } catch (error) {
        throw toStorageError(error, `seal the tail in ${segmentsFolder}`, segmentsFolder)
      }
      const pack = ends.length > 0 ? packEvents(bytes, ends) : undefined
      let problem: string | undefined
      // An hour's end is a block's end, so that a segment holds its hour and no more.
      const isNewHour = pack && tail.events > 0 && hourOf(tail.firstUs) !== hourOf(first)
      if (isNewHour && (!failedAt || isFull())) problem = trySeal()
      try {
        commit.immediate(pack, first, last, progress)
      } catch (error) {
        throw toStorageError(error, `append to ${state.name}`, state.name)
      }
      if (pack) {
        addToTail(pack, first)
        if (isFull()) problem = trySeal()
      }
      return { sealed, problem }
    },
    retain(before, maxBytes) {
      const segments = listSegments(segmentsFolder)
      let total = segments.reduce((sum, segment) => sum + segmentBytes(segment), 0)
      const removed: string[] = []
      for (const [i, segment] of segments.entries()) {
        // A block belongs to the hour it begins in, so what follows the next segment's start is all that is newer.
        const end = segments[i + 1] ? segmentStart(segments[i + 1]!) : Number.POSITIVE_INFINITY
        const isCurrent = current?.segment.name === segment.name || i === segments.length - 1
        const expired = end <= before
        if (isCurrent || (!expired && total <= maxBytes)) break
        total -= segmentBytes(segment)
        removeSegment(segment)
        removed.push(segment.name)
      }
      if (removed.length > 0) oldest = oldestLeft()
      return { oldest, bytes: total, removed }
    },
    dispose() {
      closeCurrent()
      checkpoint(state)
      state.close()
    },
  }
}

function hourOf(timeUs: number): string {
  return segmentAt('', timeUs).name
}
