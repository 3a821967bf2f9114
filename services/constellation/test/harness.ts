import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions, type Metrics } from '@orrery/server'
import { type Constellation, constellationOptions, startConstellation } from '../src/service.ts'

/** A Constellation in this process, on free ports and in a folder of its own. */
export interface TestConstellation extends AsyncDisposable {
  readonly service: Constellation
  readonly dataDir: string
  readonly metrics: Metrics
  /** What was reported as broken for good. */
  readonly failures: unknown[]
  /** What it wrote to its log. */
  readonly log: readonly { level: string; msg: string; [field: string]: unknown }[]
  /** `GET`, as JSON; arrays are repeated parameters. */
  get<T>(path: string, query?: Record<string, string | number | readonly string[]>): Promise<T>
}

/** Starts one with flags as an operator would give them, without their dashes. A given `dataDir` is kept. */
export async function startTestConstellation(
  flags: Record<string, string | true>,
): Promise<TestConstellation> {
  const dataDir =
    typeof flags['data-dir'] === 'string'
      ? flags['data-dir']
      : await mkdtemp(join(tmpdir(), 'constellation-'))
  const all: Record<string, string | true> = {
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'verify-threads': '1',
    'commit-interval': '5ms',
    'data-dir': dataDir,
    ...flags,
  }
  const argv = Object.entries(all).map(([name, value]) =>
    value === true ? `--${name}` : `--${name}=${value}`,
  )
  const loaded = loadOptions(constellationOptions, { argv, env: {} })
  if (!('options' in loaded)) throw new Error('the flags asked for help')
  const metrics = createMetrics({ process: false })
  const stop = new AbortController()
  const failures: unknown[] = []
  const log: TestConstellation['log'][number][] = []
  const level = process.env.TEST_LOG_LEVEL as 'info' | undefined
  const stream = { write: (line: string) => log.push(JSON.parse(line) as (typeof log)[number]) }
  const service = await startConstellation({
    options: loaded.options,
    logger: createLogger({ name: 'constellation', level: level ?? 'info', ...(!level && { stream }) }),
    metrics,
    version: '0.0.0',
    signal: stop.signal,
    fail: error => failures.push(error),
  })
  return {
    service,
    dataDir,
    metrics,
    failures,
    log,
    async get<T>(path: string, query = {}) {
      const url = new URL(path, service.url)
      for (const [name, value] of Object.entries<string | number | readonly string[]>(query)) {
        for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
      }
      const response = await fetch(url)
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await service[Symbol.asyncDispose]()
      if (flags['data-dir'] === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
