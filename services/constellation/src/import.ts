import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { type CursorChange, type FirehoseEvent, readJetstreamMessage } from '@orrery/firehose'
import { createProgress, type Logger } from '@orrery/server'
import { StorageError, untilRoom } from '@orrery/storage'
import { Ahead } from './ahead.ts'
import { type ChangeStats, createChangeMaker } from './changes.ts'
import type { WantsCollection } from './collections.ts'
import type { Change, LinkWriter } from './store.ts'

export interface ImportOptions {
  file: string
  writer: LinkWriter
  /** How far an earlier run came, by the name of what it read from. */
  progress: { cursor(source: string): CursorChange | undefined }
  wants: WantsCollection
  stats: ChangeStats
  logger: Logger
  signal: AbortSignal
  now?: (() => number) | undefined
  /** How long to wait before a full disk is tried again, milliseconds. Default 5,000. */
  fullDiskPauseMs?: number | undefined
}

export interface ImportSummary {
  /** Lines that are not empty, those of earlier runs included. 0 where one of them had read the whole file. */
  lines: number
  /** Lines of this run that are no Jetstream event; they are passed over. */
  bad: number
  /** Those of a kind that is not known, such as heartbeats. */
  unknown: number
  /** Changes that this run applied. */
  changes: number
}

/** Links that are handed over at a time, as `weightOf` counts them. */
export const partSize = 5_000

/** Links that wait for those ahead of them to be taken in, at most: some ten megabytes. */
export const maxAhead = 160_000

/**
 * Links that are committed together, after so many. Each row that they touch is read and written once for all of them, so
 * many are good, up to what they take of memory: 60 bytes each. While the index is small so are its rows, and less is to be
 * done again when it is killed.
 */
export function groupSize(taken: number): number {
  return Math.min(1_000_000, taken / 4)
}

/** What a change takes of memory until it is written, in links: what is longer than usual counts for more. */
export function weightOf(change: Change): number {
  if (change.kind !== 'put') return 1
  const weights = change.links.map(({ path, target }) => Math.max(1, (path.length + target.length) >> 6))
  return weights.reduce((sum, weight) => sum + weight, 0) || 1
}

/** Lines longer than this are no events, bytes. */
const maxLineBytes = 16 * 1024 * 1024

/** Lines from one look at the clock to the next. */
const linesPerLook = 256

/** The line behind the last one of a file. */
const theEnd = Number.MAX_SAFE_INTEGER

/**
 * Takes in a file of Jetstream events, one JSON a line, `.zst` or not, and shows how far it is. Reading goes on while
 * what was read is applied. How far it came is kept with every batch, so an import that was broken off goes on where it was, and
 * one that came to its end does nothing. A file is known by its path and size.
 *
 * While the disk is full it waits, and reads again what was not committed.
 *
 * @throws Error that names the line, where the file cannot be read; StorageError of the store, but for a full disk
 */
export async function importEvents(options: ImportOptions): Promise<ImportSummary> {
  const { size } = await stat(options.file)
  const source = `import:${resolve(options.file)}:${size}`
  const summary: ImportSummary = { lines: 0, bad: 0, unknown: 0, changes: 0 }
  // What a full disk kept from being committed is read again.
  const { logger, signal, fullDiskPauseMs: pauseMs } = options
  const take = async (): Promise<void> => {
    const done = options.progress.cursor(source)?.cursor ?? 0
    if (done !== theEnd) await readFrom(done, { ...options, source, size, summary })
  }
  await untilRoom(take, { logger, signal, stopped: 'importing has stopped', pauseMs })
  return summary
}

/** Reads the file and takes in what is behind so many lines; adds what was committed to the summary. */
async function readFrom(
  done: number,
  options: ImportOptions & { source: string; size: number; summary: ImportSummary },
): Promise<void> {
  const { file, source, size, summary, writer, wants, stats, logger, signal, now = Date.now } = options
  const input = createReadStream(file, { highWaterMark: 1024 * 1024, signal })
  const zstd = file.endsWith('.zst') ? input.pipe(createZstdDecompress()) : undefined
  const stream: Readable = zstd ?? input
  if (zstd) input.on('error', error => zstd.destroy(error))
  const changesOf = createChangeMaker({ wants, stats })
  const bar = createProgress({ what: `importing ${file}`, total: size, logger })
  const startedAt = performance.now()

  let lines = 0
  let taken = 0
  const batch = writer.batch()
  let part = { changes: 0, weight: 0 }
  let group = { changes: 0, weight: 0, bad: 0, unknown: 0 }
  const ahead = new Ahead(maxAhead)
  /** Hands a part over, up to a line, or to be followed by more of its group. */
  const hand = async (upTo?: number): Promise<void> => {
    const { weight } = part
    group.changes += part.changes
    group.weight += weight
    part = { changes: 0, weight: 0 }
    await ahead.room()
    if (upTo === undefined) ahead.add(writer.gather(batch, now()), weight)
    else {
      const { bad, unknown, changes: count } = group
      const reached = lines
      taken += group.weight
      group = { changes: 0, weight: 0, bad: 0, unknown: 0 }
      const cursors: CursorChange[] = [{ source, cursor: upTo, time: '', seen: [] }]
      const applying = writer.apply(batch, { cursors, accounts: [], notices: [], gaps: [] }, now())
      const counted = applying.then(() => {
        summary.lines = reached
        summary.bad += bad
        summary.unknown += unknown
        summary.changes += count
      })
      ahead.add(counted, weight)
    }
  }

  try {
    for await (const line of linesOf(stream)) {
      if (++lines % linesPerLook === 0) {
        const rate = Math.round((lines * 1000) / (performance.now() - startedAt))
        bar.at(input.bytesRead, `${rate.toLocaleString('en')} lines/s`)
      }
      if (lines <= done) continue
      const event = tryRead(line)
      if (typeof event === 'string') group[event]++
      else
        for (const change of changesOf(event)) {
          batch.add(change)
          part.changes++
          part.weight += weightOf(change)
        }
      if (part.weight < partSize) continue
      const isEnd = group.weight + part.weight >= groupSize(taken)
      await hand(isEnd ? lines : undefined)
    }
    // Where a frame should begin and none does, the decompressor takes that for the end.
    if (zstd && zstd.bytesWritten < size) throw new Error(`no zstd behind its byte ${zstd.bytesWritten}`)
    await hand(theEnd)
    await ahead.done()
  } catch (error) {
    await ahead.settled()
    if (signal.aborted) return
    if (error instanceof StorageError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`cannot read ${file} beyond line ${lines}: ${reason}`, { cause: error })
  }
  bar.end(`${lines.toLocaleString('en')} lines`)
}

/** An event, or what the line is instead. */
function tryRead(line: Buffer): FirehoseEvent | 'bad' | 'unknown' {
  if (line.length > maxLineBytes) return 'bad'
  try {
    return readJetstreamMessage(line, 'import') ?? 'unknown'
  } catch (error) {
    if (error instanceof TypeError) return 'bad'
    throw error
  }
}

/** The lines of a stream that are not empty, without their ends. Of one that is too long a part comes, which is too long too. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let rest: Buffer[] = []
  let restBytes = 0
  const keep = (part: Buffer): void => {
    if (restBytes > maxLineBytes) return
    rest.push(part)
    restBytes += part.length
  }
  const take = (): Buffer => {
    const line = rest.length === 1 ? rest[0]! : Buffer.concat(rest)
    rest = []
    restBytes = 0
    return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
  }
  for await (const chunk of stream) {
    let from = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      keep(chunk.subarray(from, end))
      from = end + 1
      const line = take()
      if (line.length > 0) yield line
    }
    if (from < chunk.length) keep(chunk.subarray(from))
  }
  const last = take()
  if (last.length > 0) yield last
}
