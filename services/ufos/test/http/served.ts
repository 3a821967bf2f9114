import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHttp, createLogger, createMetrics, hrefOf, listen } from '@orrery/server'
import type { EndpointContext } from '../../src/routes/endpoint.ts'
import { addRoutes } from '../../src/routes/routes.ts'
import type { Change } from '../../src/store.ts'
import { noProgress, startHour } from '../../src/store/testing/helpers.ts'
import { createWithSecret, openTested } from '../../src/store/testing/tested-sqlite.ts'
import { hourMs } from '../../src/time.ts'
import type { Query } from '../harness.ts'

/** An answer with its JSON; what it should be is for the test to say. */
export interface Answered {
  status: number
  headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

/** The routes over a store on disk, on a real socket. */
export interface Served extends AsyncDisposable {
  readonly url: string
  /** What time it is to the routes, milliseconds since 1970. Half past the hour 1,000 of the tests at first. */
  nowMs: number
  /** Every line of the log that is an error. */
  readonly errors: unknown[]
  apply(...changes: Change[]): Promise<void>
  tidy(): Promise<void>
  ask(path: string, query?: Query): Promise<Answered>
  /** The body of an answer that must be 200. */
  // oxlint-disable-next-line typescript/no-explicit-any
  json(path: string, query?: Query): Promise<any>
  /** The message of an answer that must be 400. */
  refused(path: string, query?: Query): Promise<string>
}

/** The hour that it is to the routes, counted from the tests' first. */
export const nowHour = 1_000

export async function serve(options: Partial<EndpointContext> = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'ufos-http-'))
  const errors: unknown[] = []
  createWithSecret(folder, 7)
  const store = await openTested(folder)
  const stream = { write: (line: string) => errors.push(JSON.parse(line)) }
  const app = await createHttp({
    logger: createLogger({ name: 'ufos', level: 'error', stream }),
    metrics: createMetrics({ process: false }),
    version: '1.2.3',
    health: () => ({ status: 'ok', lagMs: 0, cursor: 0 }),
  })
  const served: Served = {
    url: '',
    nowMs: (startHour + nowHour + 0.5) * hourMs,
    errors,
    apply: (...changes) => store.store.writer.apply(changes, noProgress),
    tidy: () => store.tidy(),
    async ask(path, query = {}) {
      const response = await fetch(served.url + hrefOf(path, query))
      return { status: response.status, headers: response.headers, body: await response.json() }
    },
    async json(path, query) {
      const { status, body } = await served.ask(path, query)
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
      return body
    },
    async refused(path, query) {
      const { status, body } = await served.ask(path, query)
      if (status !== 400) throw new Error(`${status} ${JSON.stringify(body)}`)
      return (body as { message: string }).message
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
  addRoutes(app, {
    context: {
      reader: store.reader,
      lexicons: {
        stats: { found: 0, not_found: 0, failed: 0 },
        resolve: () => Promise.resolve({ isFailure: false, message: 'there is none' }),
      },
      now: () => served.nowMs,
      source: 'wss://test.example/subscribe',
      maxCollections: 50_000,
      ...options,
    },
    version: '1.2.3',
  })
  const { url } = await listen(app, { host: '127.0.0.1', port: 0 })
  return Object.assign(served, { url })
}
