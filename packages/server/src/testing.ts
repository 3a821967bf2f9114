import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceContext } from './lifecycle/run-service.ts'
import { createLogger, type LoggerOptions } from './logger.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import type { OptionsDefinition, OptionsFrom, OptionsShape } from './options/define.ts'
import { loadOptions } from './options/load.ts'

// For tests of services: `@orrery/server/testing`.

/** Flags as an operator would give them, without their dashes; a list repeats its flag. */
export type Flags = Record<string, string | true | readonly string[]>

/** A service in this process, on free ports and in a folder of its own. */
export interface TestService<Service> extends AsyncDisposable {
  readonly service: Service
  readonly dataDir: string
  readonly metrics: Metrics
  /** What was reported as broken for good. */
  readonly failures: unknown[]
  /** What it wrote to its log. With `TEST_LOG_LEVEL` it is written for whoever watches instead. */
  readonly log: readonly { level: string; msg: string; [field: string]: unknown }[]
}

/** What makes a service. */
export interface TestedService<Shape extends OptionsShape, Service> {
  name: string
  options: OptionsDefinition<Shape>
  start: (context: ServiceContext<OptionsFrom<Shape>>) => Promise<Service>
  /** Flags that all its tests want, unless they say otherwise. */
  flags?: Flags
}

/**
 * The options that flags stand for.
 *
 * @throws OptionsError where they are no good
 */
export function optionsOf<Shape extends OptionsShape>(
  definition: OptionsDefinition<Shape>,
  flags: Flags,
): OptionsFrom<Shape> {
  const argv = Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [value].flat().map(one => `--${name}=${one}`),
  )
  const loaded = loadOptions(definition, { argv, env: {} })
  if (!('options' in loaded)) throw new Error('the flags asked for help')
  return loaded.options
}

/** Starts a service with flags. Its folder goes with it, unless it was given as `data-dir`. */
export async function startTestService<Shape extends OptionsShape, Service extends AsyncDisposable>(
  { name, options, start, flags: usual }: TestedService<Shape, Service>,
  flags: Flags,
): Promise<TestService<Service>> {
  const given = flags['data-dir']
  const dataDir = typeof given === 'string' ? given : await mkdtemp(join(tmpdir(), `${name}-`))
  const metrics = createMetrics({ process: false })
  const stop = new AbortController()
  const failures: unknown[] = []
  const log: TestService<Service>['log'][number][] = []
  const level = process.env.TEST_LOG_LEVEL as LoggerOptions['level']
  const stream = { write: (line: string) => void log.push(JSON.parse(line) as (typeof log)[number]) }
  const service = await start({
    options: optionsOf(options, {
      listen: '127.0.0.1:0',
      'metrics-listen': '127.0.0.1:0',
      'verify-threads': '1',
      ...usual,
      'data-dir': dataDir,
      ...flags,
    }),
    logger: createLogger({ name, level: level ?? 'info', ...(!level && { stream }) }),
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
    async [Symbol.asyncDispose]() {
      stop.abort()
      await service[Symbol.asyncDispose]()
      if (given === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
