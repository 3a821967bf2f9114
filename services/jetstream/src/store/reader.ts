import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { type Database, openDatabase, type Statement, StorageError } from '@orrery/storage'
import { listSegments, type Segment, segmentStart } from './segments.ts'

/** What the reader's thread serves. */
export interface ReaderApi {
  /** The first sealed block that reaches `position`, packed and not compressed; undefined where there is none. */
  read(position: number): Buffer | undefined
}

interface OpenSegment {
  db: Database
  find: Statement<[number], { zstd: Buffer }>
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
        const row = openSegment(segment)?.find.get(position)
        if (row) return zstdDecompressSync(row.zstd, { maxOutputLength: maxBlockBytes })
      }
      return undefined
    },
    dispose() {
      closeAllBut([])
    },
  }
}

function tryOpen({ path }: Segment): OpenSegment | undefined {
  try {
    const db = openDatabase(path, { readonly: true, cacheBytes: 2 * 1024 * 1024 })
    try {
      const find = db.prepare<[number], { zstd: Buffer }>(
        'SELECT zstd FROM blocks WHERE last_us >= ? ORDER BY last_us LIMIT 1',
      )
      return { db, find }
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    // Removed between the listing and now, or not yet given its table by the writer: there is nothing in it to read.
    if (error instanceof StorageError && error.code === 'missing') return undefined
    if (error instanceof Error && error.message.includes('no such table')) return undefined
    throw error
  }
}
