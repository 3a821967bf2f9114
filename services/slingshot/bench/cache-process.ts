// The whole service in a process of its own, behind a relay and over a cache that is full already.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics } from '@orrery/server'
import { createLoadOperations, serveProcess } from '@orrery/testnet'
import { startSlingshot } from '../src/service.ts'
import type { Change, RecordKey } from '../src/store.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { optionsOf } from '../test/harness.ts'

export type CacheApi = typeof api

const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const metrics = createMetrics({ process: false })
const nothing = { cursors: [], accounts: [], notices: [], gaps: [] }
const perBatch = 500
let isTrusted = (): boolean => false

const fail = (error: unknown): never => {
  console.error(error)
  process.exit(1)
}

const api = {
  /** Takes in records as the firehose brings them; answers how long the store took, and what they take on disk. */
  async fill(records: number): Promise<{ ms: number; bytes: number; kept: number; keys: RecordKey[] }> {
    const store = await openSqliteStore({ folder, budgetBytes: 4e9, onFailure: fail })
    const next = createLoadOperations({ accounts: 20_000 })
    const keys: RecordKey[] = []
    let ms = 0
    for (let done = 0; done < records; done += perBatch) {
      const changes = Array.from({ length: perBatch }, (): Change => {
        const { did, collection, rkey, rev, cid, record: json } = next()
        const record = { did, collection, rkey }
        if (!json || !cid) return { kind: 'delete', record, rev }
        keys.push(record)
        return { kind: 'put', record, rev, value: { cid, json, verified: true } }
      })
      // Making them up is not what is measured.
      const from = performance.now()
      await store.writer.apply(changes, nothing)
      ms += performance.now() - from
    }
    const kept = store.reader.stats().records
    await store[Symbol.asyncDispose]()
    const bytes = statSync(join(folder, 'records.sqlite')).size
    return { ms, bytes, kept, keys: keys.slice(-20_000) }
  },
  /** Starts the service over it; answers its URL once it is believed. */
  async start({
    source,
    plcUrl,
    memory,
    rateLimit = '0',
  }: {
    source: string
    plcUrl: string
    memory: string
    /** Off by default: who measures how much is answered is a single client. */
    rateLimit?: string
  }): Promise<string> {
    const service = await startSlingshot({
      options: optionsOf({
        source,
        'plc-url': plcUrl,
        'data-dir': folder,
        listen: '127.0.0.1:0',
        'metrics-listen': '127.0.0.1:0',
        'allow-private-hosts': true,
        'rate-limit': rateLimit,
        verify: 'strict',
        memory,
      }),
      logger: createLogger({ name: 'slingshot', level: 'warn' }),
      metrics,
      version: '0.0.0',
      signal: new AbortController().signal,
      fail,
    })
    isTrusted = () => service.isTrusted()
    return service.url
  },
  isTrusted: (): boolean => isTrusted(),
  async total(name: string): Promise<number> {
    const metric = await metrics.registry.getSingleMetric(name)?.get()
    return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
  },
}

serveProcess(api)
