// The serving side of the service in a process of its own: the real log, hub and route, fed from memory in place of a
// firehose, so that what is measured here is serving alone.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttp, createLogger, createMetrics, createRateLimiter, Hub, listen } from '@orrery/server'
import { serveProcess } from '@orrery/testnet'
import { ingest } from '../src/ingest.ts'
import { addSubscribe } from '../src/routes/subscribe.ts'
import { openSqliteEventLog } from '../src/store/sqlite.ts'
import { createCompressor } from '../src/zstd/compressor.ts'
import { createFeed, type Feed, makeCommits } from './feed.ts'

export type ServerApi = typeof api

export interface ServerOptions {
  /** Memory for the newest events, and for what replays read; default the service's. */
  recentBytes?: number
  replayBytes?: number
  /** A dictionary for compressed subscribers. */
  zstdDictionary?: string | undefined
  /** Different events to feed; after them the first ones come again. Default 5,000. */
  commits?: number
}

const bytesPerMb = 1024 * 1024
const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const fail = (error: unknown): void => {
  console.error(error)
  process.exit(1)
}

let feed: Feed
let sentBytes: () => number
/** How many events of each collection and account, for what a filter is to let through. */
const counts = new Map<string, number>()

const api = {
  /** Starts serving; answers `ws://…/subscribe`. */
  async start(options: ServerOptions): Promise<string> {
    const { recentBytes = 16 * bytesPerMb, replayBytes = 32 * bytesPerMb, commits = 5_000 } = options
    const { signal } = new AbortController()
    const log = await openSqliteEventLog({
      folder,
      durability: 'normal',
      recentBytes,
      replayBytes,
      onFailure: fail,
      onProblem: fail,
    })
    const compressor = createCompressor(fail)
    if (options.zstdDictionary !== undefined) {
      compressor.useDictionary(readFileSync(options.zstdDictionary))
    }
    const hub = new Hub({
      log,
      limiter: createRateLimiter(0),
      heartbeat: position => `{"kind":"cursor","time_us":${position}}`,
      onFailure: fail,
    })
    sentBytes = () => hub.stats.sentBytes
    const logger = createLogger({ name: 'bench', level: 'warn' })
    const http = await createHttp({
      logger,
      metrics: createMetrics({ process: false }),
      version: '0.0.0',
      health: () => ({ status: 'ok', lagMs: 0, cursor: null }),
      maxHeaderBytes: bytesPerMb,
    })
    const unlimited = { maxConnections: 0, maxConnectionsPerIp: 0 }
    addSubscribe(http, { hub, log, compressor, ...unlimited, logger, now: Date.now })
    feed = createFeed(makeCommits(commits), signal)
    feed.onBatch = events => {
      for (const { did, ops } of events) {
        const key = `${did} ${ops[0]!.collection}`
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    }
    const onCommitted = (events: number): void => void (events > 0 && hub.published())
    void ingest({ firehose: feed, log, logger, signal, commitIntervalMs: 5, onCommitted }).catch(fail)
    const { url } = await listen(http, { host: '127.0.0.1', port: 0 })
    return `${url.replace('http', 'ws')}/subscribe`
  },
  /** From now on so many events a second, up to `total` of them in all. */
  feed: ({ perSecond, total }: { perSecond: number; total?: number }): void => feed.setRate(perSecond, total),
  sent: (): number => feed.sent,
  sentBytes: (): number => sentBytes(),
  /** Events of each `did collection`. */
  counts: (): Map<string, number> => counts,
}

serveProcess(api)
