import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { type Database, openDatabase, type Statement, StorageError, toStorageError } from '@orrery/storage'
import { listSegments, type Segment, segmentStart } from './segments.ts'

/** What the reader's thread serves. */
export interface ReaderApi {
  /**
   * The first sealed block that reaches `position`, packed and not compressed; undefined where there is none.
   *
   * @throws StorageError `corrupt` and others, naming the segment's file
   */
  read(position: number): Buffer | undefined
}

interface SealedBlock {
  first_us: number
  last_us: number
  events: number
  zstd: Buffer
}

interface OpenSegment {
  db: Database
  find: Statement<[number], SealedBlock>
}

/** Subscribers that replay are in a few hours at a time; each open segment costs a file handle and its cache. */
const maxOpen = 8

/** No block is larger: a tail that could not be sealed for a while is the worst case. */
const maxBlockBytes = 128 * 1024 * 1024

/** Reads sealed blocks, beside the writer. */
export function openReader(folder: string): ReaderApi & { dispose(): void } {
  const segmentsFolder = join(folder, 'segments')
  /** In the order of their last use. */
  const open = new Map<string, OpenSegment>()

  function openSegment(segment: Segment): OpenSegment | undefined {
    let entry = open.get(segment.name)
    open.delete(segment.name)
    entry ??= tryOpen(segment)
    if (!entry) return undefined
    open.set(segment.name, entry)
    for (const [name, oldest] of open) {
      if (open.size <= maxOpen) break
      oldest.db.close()
      open.delete(name)
    }
    return entry
  }

  function closeAllBut(segments: readonly Segment[]): void {
    const names = new Set(segments.map(segment => segment.name))
    for (const [name, entry] of open) {
      if (names.has(name)) continue
      entry.db.close()
      open.delete(name)
    }
  }

  return {
    read(position) {
      const segments = listSegments(segmentsFolder)
      closeAllBut(segments)
      // A block may reach over the end of its hour, so the segment before the position's is looked at too.
      const at = segments.findLastIndex(segment => segmentStart(segment) <= position)
      for (const segment of segments.slice(Math.max(0, at - 1))) {
        const pack = readBlock(segment, openSegment(segment), position)
        if (pack) return pack
      }
      return undefined
    },
    dispose() {
      closeAllBut([])
    },
  }
}

function readBlock({ path }: Segment, open: OpenSegment | undefined, position: number): Buffer | undefined {
  let row: SealedBlock | undefined
  try {
    row = open?.find.get(position)
  } catch (error) {
    throw toStorageError(error, `read ${path}`, path)
  }
  if (!row) return undefined
  try {
    const pack = zstdDecompressSync(row.zstd, { maxOutputLength: maxBlockBytes })
    if (pack.readUInt32LE(0) !== row.events) throw new Error('it has another number of events')
    return pack
  } catch (error) {
    throw new StorageError(
      'corrupt',
      `the block from ${row.first_us} to ${row.last_us} in ${path} is damaged: ${error instanceof Error ? error.message : String(error)}. ` +
        'Stop, keep a copy of the file, and restore a backup or remove it: its hour is then missing from replays.',
      { path, cause: error },
    )
  }
}

function tryOpen({ path }: Segment): OpenSegment | undefined {
  try {
    const db = openDatabase(path, { readonly: true, cacheBytes: 2 * 1024 * 1024 })
    try {
      const find = db.prepare<[number], SealedBlock>(
        'SELECT first_us, last_us, events, zstd FROM blocks WHERE last_us >= ? ORDER BY last_us LIMIT 1',
      )
      return { db, find }
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    // Removed between the listing and now, or not yet given its table by the writer: there is nothing in it to read.
    if (!existsSync(path)) return undefined
    if (error instanceof Error && error.message.includes('no such table')) return undefined
    throw toStorageError(error, `read ${path}`, path)
  }
}
