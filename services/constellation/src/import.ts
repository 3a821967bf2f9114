import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { type Progress as FirehoseProgress, readJetstreamMessage } from '@orrery/firehose'
import { createProgress, type Logger } from '@orrery/server'
import { type ChangeStats, createChangeMaker } from './changes.ts'
import type { WantsCollection } from './collections.ts'
import { apply } from './ingest.ts'
import type { Change, LinkWriter } from './store.ts'

export interface ImportOptions {
  file: string
  writer: LinkWriter
  wants: WantsCollection
  stats: ChangeStats
  logger: Logger
  signal: AbortSignal
  now?: (() => number) | undefined
}

export interface ImportSummary {
  lines: number
  /** Lines that are no Jetstream event; they are passed over. */
  bad: number
  changes: number
}

/** Changes that are applied together. Large, as every transaction sorts its own. */
const batchSize = 20_000

/** Lines longer than this are no events, bytes. */
const maxLineBytes = 16 * 1024 * 1024

const noProgress: FirehoseProgress = { cursors: [], accounts: [], notices: [], gaps: [] }

/**
 * Takes in a file of Jetstream events, one JSON a line, `.zst` or not, and shows how far it is. Reading goes on while a
 * batch is applied. What was taken in already changes nothing, so an import that was broken off may be begun again.
 *
 * @throws what reading the file throws, and what the store does
 */
export async function importEvents(options: ImportOptions): Promise<ImportSummary> {
  const { file, writer, wants, stats, logger, signal, now = Date.now } = options
  const { size } = await stat(file)
  const input = createReadStream(file, { highWaterMark: 1024 * 1024, signal })
  const stream: Readable = file.endsWith('.zst') ? input.pipe(createZstdDecompress()) : input
  if (stream !== input) input.on('error', error => stream.destroy(error))
  const changesOf = createChangeMaker({ wants, stats })
  const progress = createProgress({ what: `importing ${file}`, total: size, logger })
  const summary: ImportSummary = { lines: 0, bad: 0, changes: 0 }
  const startedAt = performance.now()

  let batch: Change[] = []
  let applying: Promise<boolean> = Promise.resolve(true)
  const flush = async (): Promise<void> => {
    const changes = batch
    batch = []
    summary.changes += changes.length
    await applying
    applying = apply({ logger, signal }, () => writer.apply(changes, noProgress, now()))
    // Awaited at the next flush; by then it may have failed already.
    applying.catch(() => {})
  }

  try {
    for await (const line of linesOf(stream)) {
      summary.lines++
      const changes = tryRead(line, changesOf)
      if (changes) batch.push(...changes)
      else summary.bad++
      if (batch.length >= batchSize) await flush()
      const rate = Math.round((summary.lines * 1000) / (performance.now() - startedAt))
      progress.at(input.bytesRead, `${rate.toLocaleString('en')} events/s`)
    }
    await flush()
    await applying
  } catch (error) {
    if (!signal.aborted) throw error
  }
  progress.end(`${summary.lines.toLocaleString('en')} events`)
  return summary
}

/** Undefined where the line is no event. */
function tryRead(line: Buffer, changesOf: ReturnType<typeof createChangeMaker>): Change[] | undefined {
  if (line.length > maxLineBytes) return undefined
  try {
    const event = readJetstreamMessage(line, 'import')
    return event ? changesOf(event) : []
  } catch (error) {
    if (error instanceof TypeError) return undefined
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
