import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import type { DidDocument } from '../did-document.ts'
import { endBytes, entryBytes, fileName } from './format.ts'

/** A recorded stream, open. */
export interface Recording extends Disposable {
  readonly count: number
  /** The documents of all accounts, by DID. */
  readonly documents: ReadonlyMap<string, DidDocument>
  /** The length of frame i. */
  length(i: number): number
  /** Where the time of frame i is in it; 0 for a frame without. */
  timeAt(i: number): number
  /** The bytes of frames `from` up to, not including, `to`, one behind the other. */
  read(from: number, to: number): Buffer
  /** All frames, read a few at a time. */
  frames(): Generator<Buffer>
}

/** Frames read at a time by `frames`. */
const framesAtATime = 500

/**
 * Opens a file that `recordStream` wrote.
 *
 * @throws Error where it is another file, or none
 */
export function openRecording(file: string): Recording {
  const fd = openSync(file, 'r')
  const part = (at: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafe(length)
    if (readSync(fd, bytes, 0, length, at) !== length) throw new Error(`the recording is cut short: ${file}`)
    return bytes
  }
  if (!part(0, fileName.length).equals(fileName)) throw new Error(`this is no recorded stream: ${file}`)
  const endAt = fstatSync(fd).size - endBytes
  const end = part(endAt, endBytes)
  const [entriesAt, documentsAt, count] = [0, 8, 16].map(at => Number(end.readBigUInt64LE(at))) as [
    number,
    number,
    number,
  ]
  const entries = part(entriesAt, count * entryBytes)
  const starts = new Float64Array(count + 1)
  const length = (i: number): number => entries.readUInt32LE(i * entryBytes)
  starts[0] = fileName.length
  for (let i = 0; i < count; i++) starts[i + 1] = starts[i]! + length(i)
  const json = zstdDecompressSync(part(documentsAt, endAt - documentsAt)).toString()
  const documents = JSON.parse(json) as DidDocument[]

  const read = (from: number, to: number): Buffer => part(starts[from]!, starts[to]! - starts[from]!)
  return {
    count,
    documents: new Map(documents.map(document => [document.id, document])),
    length,
    timeAt: i => entries.readUInt16LE(i * entryBytes + 4),
    read,
    *frames() {
      for (let from = 0; from < count; from += framesAtATime) {
        const to = Math.min(count, from + framesAtATime)
        const bytes = read(from, to)
        for (let i = from; i < to; i++) {
          yield bytes.subarray(starts[i]! - starts[from]!, starts[i + 1]! - starts[from]!)
        }
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}
