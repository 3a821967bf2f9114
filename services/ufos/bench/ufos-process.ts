// The store and the service in a process of their own, so that their memory is theirs.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics } from '@orrery/server'
import { serveProcess } from '@orrery/testnet'
import { zeroChangeStats } from '../src/changes.ts'
import { ingest, keepTidy } from '../src/ingest.ts'
import { startUfos } from '../src/service.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { fileName } from '../src/store/sqlite/store.ts'
import type { UfosWriter } from '../src/store.ts'
import { optionsOf } from '../test/harness.ts'
import { type EventsOptions, gatherEvents } from './events.ts'
import { writeYear } from './year.ts'

export type UfosApi = typeof api

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const logger = createLogger({ name: 'ufos', level: 'error' })
const fail = (error: unknown): never => {
  console.error(error)
  process.exit(1)
}

const api = {
  folder: (): string => folder,
  /**
   * Counts events as the service does, from a firehose that has them ready; answers how long that took from the first one
   * to the last commit, the longest call of the store for a batch, and what was written to the disk meanwhile, where the
   * system tells.
   */
  async ingest(
    options: EventsOptions,
  ): Promise<{ ms: number; longest: number; writtenBytes: number | undefined }> {
    const store = await openSqliteStore({ folder, onFailure: fail })
    const writtenBefore = writtenBytes() ?? 0
    const stop = new AbortController()
    const { signal } = stop
    let longest = 0
    const writer: UfosWriter = {
      batch: () => store.writer.batch(),
      async apply(changes, progress) {
        const from = performance.now()
        await store.writer.apply(changes, progress)
        longest = Math.max(longest, performance.now() - from)
      },
      tidy: () => store.writer.tidy(),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    }
    const from = performance.now()
    const tidying = keepTidy({ writer, signal })
    await ingest({
      firehose: gatherEvents(options),
      writer,
      stats: zeroChangeStats(),
      maxSampleBytes: 64 * 1024,
      logger,
      commitIntervalMs: 0,
      signal,
    })
    const ms = performance.now() - from
    stop.abort()
    await tidying
    await store[Symbol.asyncDispose]()
    const written = writtenBytes()
    return { ms, longest, writtenBytes: written === undefined ? undefined : written - writtenBefore }
  },
  /** A year of hourly counts; answers how large its file is. */
  year({ collections, until }: { collections: number; until: number }): {
    bytes: number
    cells: number
    events: number
  } {
    const written = writeYear({ folder, collections, until, hours: 365 * 24 })
    return { bytes: statSync(join(folder, fileName)).size, ...written }
  },
  /** Starts the service over what is there, in a folder of another process where one is given; answers its URL. */
  async start({
    source,
    plcUrl,
    at = folder,
  }: {
    source: string
    plcUrl: string
    at?: string
  }): Promise<string> {
    const service = await startUfos({
      options: optionsOf({
        source,
        'plc-url': plcUrl,
        'data-dir': at,
        listen: '127.0.0.1:0',
        'metrics-listen': '127.0.0.1:0',
        'allow-private-hosts': true,
      }),
      logger,
      metrics: createMetrics({ process: false }),
      version: '0.0.0',
      signal: new AbortController().signal,
      fail,
    })
    return service.url
  },
}

/** What this process had the disk write since it began; undefined where the system does not tell. */
function writtenBytes(): number | undefined {
  if (!existsSync('/proc/self/io')) return undefined
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

serveProcess(api)
