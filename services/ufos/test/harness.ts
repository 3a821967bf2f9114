import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TxtLookup } from '@orrery/identity'
import { createLogger, createMetrics, hrefOf, loadOptions, type Metrics } from '@orrery/server'
import { startUfos, type Ufos, ufosOptions } from '../src/service.ts'

export type Query = Record<string, string | readonly string[] | undefined>

/** UFOs in this process, on free ports and in a folder of its own. */
export interface TestUfos extends AsyncDisposable {
  readonly service: Ufos
  readonly dataDir: string
  readonly metrics: Metrics
  /** What was reported as broken for good. */
  readonly failures: unknown[]
  /** What it wrote to its log. */
  readonly log: readonly { level: string; msg: string; [field: string]: unknown }[]
  /** `GET`, as JSON. Rejects where that is no 200. */
  get<T>(path: string, query?: Query): Promise<T>
}

/** The options that flags stand for, as an operator would give them, without their dashes. */
export function optionsOf(flags: Record<string, string | true>) {
  const argv = Object.entries(flags).map(([name, value]) =>
    value === true ? `--${name}` : `--${name}=${value}`,
  )
  const loaded = loadOptions(ufosOptions, { argv, env: {} })
  if (!('options' in loaded)) throw new Error('the flags asked for help')
  return loaded.options
}

/** Starts one with flags. A given `data-dir` is kept. */
export async function startTestUfos(
  flags: Record<string, string | true>,
  { txt }: { txt?: TxtLookup } = {},
): Promise<TestUfos> {
  const dataDir =
    typeof flags['data-dir'] === 'string' ? flags['data-dir'] : await mkdtemp(join(tmpdir(), 'ufos-'))
  const options = optionsOf({
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'verify-threads': '1',
    'commit-interval': '5ms',
    'data-dir': dataDir,
    ...flags,
  })
  const metrics = createMetrics({ process: false })
  const stop = new AbortController()
  const failures: unknown[] = []
  const log: TestUfos['log'][number][] = []
  const level = process.env.TEST_LOG_LEVEL as 'info' | undefined
  const stream = { write: (line: string) => log.push(JSON.parse(line) as (typeof log)[number]) }
  const service = await startUfos({
    options,
    logger: createLogger({ name: 'ufos', level: level ?? 'info', ...(!level && { stream }) }),
    metrics,
    version: '0.0.0',
    signal: stop.signal,
    fail: error => failures.push(error),
    ...(txt && { txt }),
  })
  return {
    service,
    dataDir,
    metrics,
    failures,
    log,
    async get<T>(path: string, query: Query = {}) {
      const response = await fetch(service.url + hrefOf(path, query))
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
