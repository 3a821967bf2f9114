// The index in a process of its own, as the service has it: the store with its writer's thread, and the routes. What a
// firehose would bring is made up here, on the thread that would read it.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttp, createLogger, createMetrics, listen } from '@orrery/server'
import { openDatabase } from '@orrery/storage'
import { serveProcess } from '@orrery/testnet'
import { Ahead } from '../src/ahead.ts'
import { backlinksCursor, didsCursor, formatCursor } from '../src/cursor.ts'
import { groupSize, maxAhead, partSize, weightOf } from '../src/import.ts'
import { addRoutes } from '../src/routes/routes.ts'
import type { Changes } from '../src/store.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { hugeTarget, likes, Traffic } from './traffic.ts'

export type IndexApi = typeof api

/** Bytes on disk of a table with its indexes. */
export interface TableSize {
  table: string
  bytes: number
}

/** What growing took. The time is that of the calls to the store: making the changes is not in it. */
export interface Growth {
  links: number
  ms: number
  /** The highest seen, bytes. */
  rss: number
}

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** How often a live index commits, milliseconds: the service's default. */
const commitMs = 250

const fail = (error: unknown): never => {
  console.error(error)
  process.exit(1)
}

const store = await openSqliteStore({ folder, onFailure: fail })
const traffic = new Traffic()
let rss = 0
let live: NodeJS.Timeout | undefined
let applying: Promise<void> = Promise.resolve()

function apply(changes: Changes): Promise<void> {
  const cursors = [{ source: 'wss://jetstream.example', cursor: traffic.changes, time: '', seen: [] }]
  return store.writer.apply(changes, { cursors, accounts: [], notices: [], gaps: [] }, traffic.timeMs)
}

function watchMemory(): void {
  rss = Math.max(rss, process.memoryUsage.rss())
}

const api = {
  /** Serves the index; answers `http://host:port`. */
  async serve(): Promise<string> {
    const http = await createHttp({
      logger: createLogger({ name: 'bench', level: 'warn' }),
      metrics: createMetrics({ process: false }),
      version: '0.0.0',
      health: () => ({ status: 'ok', lagMs: 0, cursor: null }),
    })
    addRoutes(http, { reader: store.reader, version: '0.0.0' })
    return (await listen(http, { host: '127.0.0.1', port: 0 })).url
  },
  /** Puts so many links more, as fast as an import: the next parts are made while one is taken in. */
  async grow(links: number): Promise<Growth> {
    const from = traffic.links
    const part = store.writer.batch()
    const ahead = new Ahead(maxAhead)
    const startedAt = performance.now()
    for (let group = 0; traffic.links - from < links;) {
      for (let weight = 0; weight < partSize;) {
        const change = traffic.next()
        part.add(change)
        weight += weightOf(change)
      }
      await ahead.room()
      group += partSize
      if (group < groupSize(traffic.links)) ahead.add(store.writer.gather(part, traffic.timeMs), partSize)
      else {
        ahead.add(apply(part), partSize)
        group = 0
      }
      watchMemory()
    }
    await ahead.done()
    await apply([])
    return { links: traffic.links - from, ms: performance.now() - startedAt, rss }
  },
  /** From now on so many changes a second, committed as the service does; 0 for none. */
  async live(perSecond: number): Promise<{ rss: number; behind: number }> {
    clearInterval(live)
    await applying
    if (perSecond === 0) return { rss, behind: waiting }
    let due = 0
    live = setInterval(() => {
      due += (perSecond * commitMs) / 1000
      watchMemory()
      if (waiting > 0) return
      const batch = traffic.take(due)
      due = 0
      waiting++
      applying = apply(batch).finally(() => waiting--)
    }, commitMs)
    return { rss, behind: 0 }
  },
  /** Bytes on disk by table, and links in the index. */
  async sizes(): Promise<{ links: number; fileBytes: number; tables: TableSize[]; dids: number }> {
    const { links, dids } = await store.reader.stats()
    // Of the memory that is measured this is no part.
    const db = openDatabase(join(folder, 'links.sqlite'), { cacheBytes: 1024 * 1024 })
    db.pragma('wal_checkpoint(TRUNCATE)')
    const tables = db
      .prepare<[], TableSize>(
        `SELECT replace(name, '_by_hash', '') AS "table", sum(pgsize) AS bytes FROM dbstat
         GROUP BY 1 ORDER BY bytes DESC`,
      )
      .all()
    db.close()
    return { links, dids, fileBytes: statSync(join(folder, 'links.sqlite')).size, tables }
  },
  /** Cursors into the middle of the largest list, and its counts. */
  async middle(): Promise<{ records: number; distinct: number; links: string; dids: string }> {
    const key = { target: hugeTarget, source: likes }
    const [counts] = await store.reader.counts([key])
    const place = { seq: Math.floor(counts!.records / 2), link: 0 }
    const query = { key, dids: undefined, reverse: false, since: undefined, until: undefined }
    return {
      ...counts!,
      links: formatCursor(backlinksCursor, query, place)!,
      dids: formatCursor(didsCursor, { key }, place)!,
    }
  },
}

let waiting = 0

serveProcess(api)
