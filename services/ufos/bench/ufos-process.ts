// The store and the service in a process of their own, so that their memory is theirs.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics } from '@orrery/server'
import { createRandom, serveProcess } from '@orrery/testnet'
import { startUfos } from '../src/service.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { fileName } from '../src/store/sqlite/store.ts'
import type { Change } from '../src/store.ts'
import { optionsOf } from '../test/harness.ts'
import { nsidOf, writeYear } from './year.ts'

export type UfosApi = typeof api

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const nothing = { cursors: [], accounts: [], notices: [], gaps: [] }
const fail = (error: unknown): never => {
  console.error(error)
  process.exit(1)
}

const api = {
  folder: (): string => folder,
  /**
   * Counts events as they come from the firehose, as uneven as in a year of them, but for a tenth, which is in any
   * collection; answers how long that took, and what was written to the disk meanwhile, where the system tells.
   */
  async ingest({
    events,
    collections,
    perBatch = 10_000,
  }: {
    events: number
    collections: number
    perBatch?: number
  }): Promise<{ ms: number; longest: number; writtenBytes: number | undefined }> {
    const store = await openSqliteStore({ folder, onFailure: fail })
    const writtenBefore = writtenBytes() ?? 0
    const random = createRandom(5)
    const dids = Array.from({ length: 200_000 }, (_, i) => `did:plc:${i.toString(32).padStart(24, 'a')}`)
    const json = Buffer.from(JSON.stringify({ $type: 'x', text: 'y'.repeat(250), createdAt: 'z' }))
    let ms = 0
    let longest = 0
    let timeUs = Date.now() * 1_000
    for (let done = 0; done < events; done += perBatch) {
      const batch = Array.from({ length: perBatch }, (): Change => {
        const uneven = Math.ceil((1 - random.next()) ** (-1 / 0.9))
        const rank = random.next() < 0.1 ? 1 + random.below(collections) : Math.min(collections, uneven)
        const did = dids[Math.floor(random.next() ** 2 * dids.length)]!
        const where = { did, collection: nsidOf(rank), rkey: `3l${timeUs.toString(32)}` }
        timeUs += 25
        return random.next() < 0.04
          ? { kind: 'delete', ...where, timeUs }
          : {
              kind: 'create',
              ...where,
              rev: '3lrevrevrevre',
              cid: 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a',
              json,
              timeUs,
            }
      })
      // Making them up is not what is measured.
      const from = performance.now()
      await store.writer.apply(batch, nothing)
      while (await store.writer.tidy());
      const took = performance.now() - from
      ms += took
      longest = Math.max(longest, took)
    }
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
      logger: createLogger({ name: 'ufos', level: 'error' }),
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
