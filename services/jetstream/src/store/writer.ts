import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import { createProgressTables, prepareSaveProgress, type Progress } from '@orrery/firehose'
import { checkpoint, type Database, migrate, openDatabase } from '@orrery/storage'
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
  /** Why sealing failed, though the events are safe. It is tried again with the next append. */
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

/** From this much on the tail is sealed: enough that zstd finds its repetitions, little enough to decode at one go. */
const sealEvents = 1024
const sealBytes = 512 * 1024

/** How much may gather unsealed, when sealing fails, before appending fails as well. */
const maxTailBytes = 32 * 1024 * 1024

/**
 * The one writer of the log. A commit puts events and upstream's progress into `state.sqlite` together; now and then
 * what has gathered there is compressed into one block of the hour's segment. A segment's commit is on disk before the
 * tail lets go of the events, so a crash in between leaves them in both, and opening clears that up.
 */
export function openWriter(options: WriterOptions): WriterApi & { dispose(): void } {
  const { folder, durability } = options
  const segmentsFolder = join(folder, 'segments')
  mkdirSync(segmentsFolder, { recursive: true })
  const state = openDatabase(join(folder, 'state.sqlite'), { durability, cacheBytes: 16 * 1024 * 1024 })
  migrate(state, stateMigrations)
  createProgressTables(state)
  let current: { segment: Segment; db: Database } | undefined

  const saveProgress = prepareSaveProgress(state)
  const insertTail = state.prepare('INSERT INTO tail (last_us, first_us, pack) VALUES (?, ?, ?)')
  const setClock = state.prepare(
    'INSERT INTO clock (id, last_us) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET last_us = excluded.last_us',
  )
  const readTail = state.prepare<[], { first_us: number; last_us: number; pack: Buffer }>(
    'SELECT first_us, last_us, pack FROM tail ORDER BY last_us',
  )
  const trimTail = state.prepare('DELETE FROM tail WHERE last_us <= ?')
  const readClock = state.prepare<[], { last_us: number }>('SELECT last_us FROM clock')

  let sealed = newestSealed()
  trimTail.run(sealed)
  const opening = readTail.all()
  const clockAtStart = readClock.get()?.last_us ?? 0
  let tail = { events: 0, bytes: 0, firstUs: opening[0]?.first_us ?? 0 }
  for (const row of opening) {
    tail.events += row.pack.readUInt32LE(0)
    tail.bytes += row.pack.length
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
    const db = openDatabase(segment.path, { durability: 'full', cacheBytes: 2 * 1024 * 1024 })
    migrate(db, segmentMigrations)
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
    const rows = readTail.all()
    const [first, last] = [rows[0]!.first_us, rows.at(-1)!.last_us]
    const pack = joinPacks(rows.map(row => row.pack))
    const zstd = zstdCompressSync(pack, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
    segmentFor(first)
      .prepare('INSERT OR REPLACE INTO blocks (last_us, first_us, events, zstd) VALUES (?, ?, ?, ?)')
      .run(last, first, pack.readUInt32LE(0), zstd)
    trimTail.run(last)
    sealed = last
    tail = { events: 0, bytes: 0, firstUs: 0 }
  }

  /** Sealing is housekeeping: when it fails, say on a full disk, the events are where they were, in the tail. */
  function trySeal(): string | undefined {
    try {
      seal()
      return undefined
    } catch (error) {
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
      oldest: oldestKept(),
      sealed,
      tail: opening.map(row => row.pack),
    }),
    append({ bytes, ends, first, last }, progress) {
      if (tail.bytes > maxTailBytes) seal()
      const pack = ends.length > 0 ? packEvents(bytes, ends) : undefined
      let problem: string | undefined
      // An hour's end is a block's end, so that a segment holds its hour and no more.
      if (pack && tail.events > 0 && segmentAt('', tail.firstUs).name !== segmentAt('', first).name) {
        problem = trySeal()
      }
      commit.immediate(pack, first, last, progress)
      if (pack) {
        if (tail.events === 0) tail.firstUs = first
        tail.events += ends.length
        tail.bytes += pack.length
        if (tail.events >= sealEvents || tail.bytes >= sealBytes) problem = trySeal()
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
      return { oldest: oldestKept(), bytes: total, removed }
    },
    dispose() {
      closeCurrent()
      checkpoint(state)
      state.close()
    },
  }
}
