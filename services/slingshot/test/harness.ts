import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions, type Metrics } from '@orrery/server'
import { type Slingshot, slingshotOptions, startSlingshot } from '../src/service.ts'

/** A list repeats its flag. */
export type Flags = Record<string, string | true | readonly string[]>

/** What was answered; what the body should be is for the test to say. */
export interface TestAnswer {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

/** A Slingshot in this process, on free ports and in a folder of its own. */
export interface TestSlingshot extends AsyncDisposable {
  readonly service: Slingshot
  readonly dataDir: string
  readonly metrics: Metrics
  /** What was reported as broken for good. */
  readonly failures: unknown[]
  fetch(path: string, params?: Record<string, string>, init?: RequestInit): Promise<Response>
  /** Status, and the JSON of the body. */
  ask(path: string, params?: Record<string, string>, init?: RequestInit): Promise<TestAnswer>
  post(path: string, body: unknown): Promise<TestAnswer>
  /** The sum of a metric over its labels. */
  total(name: string): Promise<number>
}

/** The options that flags stand for, as an operator would give them, without their dashes. */
export function optionsOf(flags: Flags) {
  const argv = Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [value].flat().map(one => `--${name}=${one}`),
  )
  const loaded = loadOptions(slingshotOptions, { argv, env: {} })
  if (!('options' in loaded)) throw new Error('the flags asked for help')
  return loaded.options
}

/** Starts one with flags. A given `data-dir` is kept. */
export async function startTestSlingshot(flags: Flags): Promise<TestSlingshot> {
  const dataDir =
    typeof flags['data-dir'] === 'string' ? flags['data-dir'] : await mkdtemp(join(tmpdir(), 'slingshot-'))
  const options = optionsOf({
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'log-level': 'silent',
    'verify-threads': '1',
    'commit-interval': '5ms',
    'rate-limit': '0',
    'data-dir': dataDir,
    ...flags,
  })
  const metrics = createMetrics({ process: false })
  const stop = new AbortController()
  const failures: unknown[] = []
  const service = await startSlingshot({
    options,
    logger: createLogger({
      name: 'slingshot',
      level: (process.env.TEST_LOG_LEVEL as 'info') ?? 'silent',
    }),
    metrics,
    version: '0.0.0',
    signal: stop.signal,
    fail: error => failures.push(error),
  })
  const get: TestSlingshot['fetch'] = (path, params = {}, init = {}) => {
    const url = new URL(path, service.url)
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
    return fetch(url, init)
  }
  const ask: TestSlingshot['ask'] = async (path, params = {}, init = {}) => {
    const response = await get(path, params, init)
    return { status: response.status, body: await response.json() }
  }
  return {
    service,
    dataDir,
    metrics,
    failures,
    fetch: get,
    ask,
    post: (path, body) =>
      ask(
        path,
        {},
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        },
      ),
    async total(name) {
      const metric = await metrics.registry.getSingleMetric(name)?.get()
      if (!metric) throw new Error(`no metric ${name}`)
      return metric.values.reduce((sum, { value }) => sum + value, 0)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await service[Symbol.asyncDispose]()
      if (flags['data-dir'] === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
