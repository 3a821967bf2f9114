import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { type CursorChange, type FirehoseEvent, readJetstreamMessage } from '@orrery/firehose'
import { createProgress, type Logger } from '@orrery/server'
import { StorageError } from '@orrery/storage'
import { type ChangeStats, createChangeMaker } from './changes.ts'
import type { WantsCollection } from './collections.ts'
import { untilRoom } from './ingest.ts'
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

/** Changes and links that are applied together. Many, as every transaction sorts its own. */
const batchSize = 20_000

/** Lines longer than this are no events, bytes. */
const maxLineBytes = 16 * 1024 * 1024

/** Lines from one look at the clock to the next. */
const linesPerLook = 256

/** The line behind the last one of a file. */
const theEnd = Number.MAX_SAFE_INTEGER

/**
 * Takes in a file of Jetstream events, one JSON a line, `.zst` or not, and shows how far it is. Reading goes on while a
 * batch is applied. How far it came is kept with every batch, so an import that was broken off goes on where it was, and
 * one that came to its end does nothing. A file is known by its path and size.
 *
 * @throws Error that names the line, where the file cannot be read; StorageError of the store
 */
export async function importEvents(options: ImportOptions): Promise<ImportSummary> {
  const { file, writer, wants, stats, logger, signal, now = Date.now } = options
  const { size } = await stat(file)
  const source = `import:${resolve(file)}:${size}`
  const done = options.progress.cursor(source)?.cursor ?? 0
  const summary: ImportSummary = { lines: 0, bad: 0, unknown: 0, changes: 0 }
  if (done === theEnd) return summary
  const input = createReadStream(file, { highWaterMark: 1024 * 1024, signal })
  const stream: Readable = file.endsWith('.zst') ? input.pipe(createZstdDecompress()) : input
  if (stream !== input) input.on('error', error => stream.destroy(error))
  const changesOf = createChangeMaker({ wants, stats })
  const bar = createProgress({ what: `importing ${file}`, total: size, logger })
  const startedAt = performance.now()

  let batch: Change[] = []
  let weight = 0
  let applying: Promise<boolean> = Promise.resolve(true)
  const flush = async (line: number): Promise<void> => {
    const changes = batch
    batch = []
    weight = 0
    summary.changes += changes.length
    const cursors: CursorChange[] = [{ source, cursor: line, time: '', seen: [] }]
    const upTo = { cursors, accounts: [], notices: [], gaps: [] }
    await applying
    applying = untilRoom({ logger, signal }, () => writer.apply(changes, upTo, now()))
    // Awaited at the next flush; by then it may have failed already.
    applying.catch(() => {})
  }

  try {
    for await (const line of linesOf(stream)) {
      if (++summary.lines % linesPerLook === 0) {
        const rate = Math.round((summary.lines * 1000) / (performance.now() - startedAt))
        bar.at(input.bytesRead, `${rate.toLocaleString('en')} lines/s`)
      }
      if (summary.lines <= done) continue
      const event = tryRead(line)
      if (typeof event === 'string') summary[event]++
      else
        for (const change of changesOf(event)) {
          batch.push(change)
          weight += change.kind === 'put' ? 1 + change.links.length : 1
        }
      if (weight >= batchSize) await flush(summary.lines)
    }
    await flush(theEnd)
    await applying
  } catch (error) {
    await applying.catch(() => {})
    if (signal.aborted) return summary
    if (error instanceof StorageError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`cannot read ${file} beyond line ${summary.lines}: ${reason}`, { cause: error })
  }
  bar.end(`${summary.lines.toLocaleString('en')} lines`)
  return summary
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
