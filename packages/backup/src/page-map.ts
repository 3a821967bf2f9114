import { BackupError } from './errors.ts'

/** Where the pages of a file are: runs of pages, in the file's order, each in one chunk. */
export interface PageMap {
  /** sha256 of each chunk that is used, hex. */
  chunks: string[]
  /** Three numbers a run: which of `chunks`, from which page of the chunk, how many pages. */
  runs: Uint32Array
}

const hashBytes = 32

/** As bytes: the number of chunks and of runs, the hashes, the runs, all numbers 32 bits little-endian. */
export function writePageMap({ chunks, runs }: PageMap): Buffer {
  const out = Buffer.alloc(8 + chunks.length * hashBytes + runs.length * 4)
  out.writeUInt32LE(chunks.length, 0)
  out.writeUInt32LE(runs.length / 3, 4)
  for (const [i, chunk] of chunks.entries()) out.write(chunk, 8 + i * hashBytes, 'hex')
  const at = 8 + chunks.length * hashBytes
  for (let i = 0; i < runs.length; i++) out.writeUInt32LE(runs[i]!, at + i * 4)
  return out
}

/**
 * Takes the bytes apart again.
 *
 * @param pages how many pages the runs must come to
 * @throws BackupError `damaged`
 */
export function readPageMap(bytes: Buffer, pages: number, perChunk: number): PageMap {
  const damaged = (): BackupError => new BackupError('damaged', 'the map of a file’s pages makes no sense')
  if (bytes.length < 8) throw damaged()
  const chunkCount = bytes.readUInt32LE(0)
  const runCount = bytes.readUInt32LE(4)
  const at = 8 + chunkCount * hashBytes
  if (bytes.length !== at + runCount * 12) throw damaged()
  const chunks = Array.from({ length: chunkCount }, (_, i) =>
    bytes.toString('hex', 8 + i * hashBytes, 8 + (i + 1) * hashBytes),
  )
  const runs = new Uint32Array(runCount * 3)
  let total = 0
  for (let i = 0; i < runs.length; i += 3) {
    const [chunk, slot, count] = [0, 4, 8].map(offset => bytes.readUInt32LE(at + i * 4 + offset)) as [
      number,
      number,
      number,
    ]
    if (chunk >= chunkCount || count === 0 || slot + count > perChunk) throw damaged()
    runs[i] = chunk
    runs[i + 1] = slot
    runs[i + 2] = count
    total += count
  }
  if (total !== pages) throw damaged()
  return { chunks, runs }
}
