import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { BackupError, messageOf } from './errors.ts'

// A chunk is some pages, one after the other, compressed; its name is the sha256 of the pages. It may hold any pages of a
// file: those of a range when a store is saved first, later those that changed since, wherever they lie. So a change
// costs its own pages, and not all the pages around them.

/**
 * A chunk is as large as this at most. What is small costs a request each, a file, and a compressor that is set up anew; and as
 * it holds what changed and nothing else, a large one costs no more.
 */
export const chunkBytes = 1024 * 1024

/** How many pages of a size make a full chunk. */
export function pagesPerChunk(pageSize: number): number {
  return Math.max(1, Math.floor(chunkBytes / pageSize))
}

/** Level 1: an index of links came to 0.65 of its size, and at level 3, for half the speed, to 0.63. */
const level = { [constants.ZSTD_c_compressionLevel]: 1 }

/** What is unpacked at one go, bytes; larger are maps alone. zlib refuses to begin with less than the least. */
const mostAtOnce = 1024 * 1024
const leastAtOnce = 64

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Compresses on a thread of its own. */
export async function pack(plain: Uint8Array): Promise<Buffer> {
  // Room for all of it: a thread then does it at one go.
  return compress(plain, { params: level, chunkSize: maxPackedBytes(plain.length) })
}

/**
 * What an object holds, which must be what its name says.
 *
 * @param what for the error: what it is, and where
 * @throws BackupError `damaged`
 */
export async function unpack(
  packed: Uint8Array,
  sha256: string,
  maxBytes: number,
  what: string,
): Promise<Buffer> {
  let plain: Buffer
  try {
    const chunkSize = Math.max(leastAtOnce, Math.min(maxBytes, mostAtOnce))
    plain = await decompress(packed, { maxOutputLength: maxBytes, chunkSize })
  } catch (cause) {
    throw new BackupError('damaged', `${what} is truncated or damaged: ${messageOf(cause)}`, { cause })
  }
  if (sha256Of(plain) === sha256) return plain
  throw new BackupError('damaged', `${what} is damaged: its content is not what its name says`)
}

/** In hex. */
export function sha256Of(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/** At most so large is what {@link pack} makes of so many bytes. */
export function maxPackedBytes(plainBytes: number): number {
  return plainBytes + Math.ceil(plainBytes / 128) + 1024
}
