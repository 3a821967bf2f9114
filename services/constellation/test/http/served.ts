import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttp, createLogger, createMetrics, hrefOf, listen } from '@orrery/server'
import { addRoutes, type RoutesOptions } from '../../src/routes/routes.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite.ts'
import { noProgress, startMs } from '../../src/store/testing/test-index.ts'
import type { Change } from '../../src/store.ts'

type Params = Record<string, string | readonly string[] | undefined>

/** The routes over an index on disk, on a real socket. */
export interface Served extends AsyncDisposable {
  readonly url: string
  readonly store: SqliteStore
  /** Every line of the log that is an error. */
  readonly errors: unknown[]
  /** Takes changes in, a second after those before. */
  apply(...changes: Change[]): Promise<void>
  fetch(path: string, params?: Params, init?: RequestInit): Promise<Response>
  /** The JSON of a request that must succeed. */
  json<T = Record<string, unknown>>(path: string, params?: Params): Promise<T>
  /** The page of a request that must succeed. */
  page(path: string, params?: Params): Promise<string>
  /** Status and message of a request that must fail: text as it is, JSON as `error: message`. */
  refused(path: string, params?: Params, init?: RequestInit): Promise<{ status: number; message: string }>
}

/** What a browser asks for. */
export const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

export async function serve(options: Partial<RoutesOptions> = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'constellation-http-'))
  const errors: unknown[] = []
  const store = await openSqliteStore({ folder, onFailure: error => errors.push(error) })
  const stream = { write: (line: string) => errors.push(JSON.parse(line)) }
  const app = await createHttp({
    logger: createLogger({ name: 'constellation', level: 'error', stream }),
    metrics: createMetrics({ process: false }),
    version: '1.2.3',
    health: () => ({ status: 'ok', lagMs: 0, cursor: 0 }),
  })
  addRoutes(app, { reader: store.reader, version: '1.2.3', ...options })
  const { url } = await listen(app, { host: '127.0.0.1', port: 0 })
  let timeMs = startMs
  const get = (path: string, params: Params = {}, init: RequestInit = {}): Promise<Response> =>
    fetch(url + hrefOf(path, params), init)
  return {
    url,
    store,
    errors,
    async apply(...changes) {
      timeMs += 1_000
      await store.writer.apply(changes, noProgress, timeMs)
    },
    fetch: get,
    async json<T>(path: string, params?: Params) {
      const response = await get(path, params)
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${text}`)
      return JSON.parse(text) as T
    },
    async page(path, params) {
      const response = await get(path, params, { headers: { accept: browserAccept } })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${text}`)
      return text
    },
    async refused(path, params, init) {
      const response = await get(path, params, init)
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.startsWith('application/json')
      const { error, message } = (isJson ? JSON.parse(text) : {}) as { error?: string; message?: string }
      return { status: response.status, message: isJson ? `${error}: ${message}` : text }
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
