import { BackupError } from './errors.ts'
import { readFully } from './raw-files.ts'

// SQLite's write-ahead log and its index (sqlite.org/walformat.html). The index tells how far the log is valid; it is read
// as the bytes of its file, which every process has mapped.

/** The state of a log at an instant. */
export interface WalState {
  /** Changes with every commit and with every fresh start of the log. */
  mark: string
  /** The last valid frame, counted from 1; 0 where the log is empty. */
  maxFrame: number
  /** Up to here, frames are in the database file as well. */
  backfilled: number
  pageSize: number
}

const headerBytes = 48
const version = 3_007_000
const walHeaderBytes = 32
const frameHeaderBytes = 24

/** Reads the index; undefined while a writer is just changing it. */
export function readWalState(shm: number): WalState | undefined {
  const head = Buffer.alloc(headerBytes * 2 + 4)
  readFully(shm, head, 0)
  const first = head.subarray(0, headerBytes)
  if (!first.equals(head.subarray(headerBytes, headerBytes * 2))) return undefined
  // The index is in the byte order of the machine; all that this runs on are little-endian.
  if (first.readUInt32LE(0) !== version) {
    throw new BackupError('unusable', 'the index of the write-ahead log has a form that is not known here')
  }
  return {
    mark: first.toString('latin1'),
    maxFrame: first.readUInt32LE(16),
    backfilled: head.readUInt32LE(headerBytes * 2),
    pageSize: pageSizeOf(first.readUInt16LE(14)),
  }
}

/** Where the newest version of each page is in the log, up to a frame: byte positions by page number, from 1. */
export function mapFrames(wal: number, { maxFrame, pageSize }: WalState): Map<number, number> {
  const places = new Map<number, number>()
  const frameBytes = frameHeaderBytes + pageSize
  const perRead = Math.max(1, Math.floor((1024 * 1024) / frameBytes))
  const head = Buffer.alloc(walHeaderBytes)
  readFully(wal, head, 0)
  const salts = head.subarray(16, 24)
  const frames = Buffer.alloc(perRead * frameBytes)
  for (let from = 0; from < maxFrame; from += perRead) {
    const count = Math.min(perRead, maxFrame - from)
    const position = walHeaderBytes + from * frameBytes
    readFully(wal, frames.subarray(0, count * frameBytes), position)
    for (let i = 0; i < count; i++) {
      const at = i * frameBytes
      if (!frames.subarray(at + 8, at + 16).equals(salts)) {
        throw new BackupError('damaged', 'the write-ahead log was begun anew while it was read')
      }
      places.set(frames.readUInt32BE(at), position + at + frameHeaderBytes)
    }
  }
  return places
}

function pageSizeOf(field: number): number {
  return (field & 0xfe00) + ((field & 0x0001) << 16)
}
