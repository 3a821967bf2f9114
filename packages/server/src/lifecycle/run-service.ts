import type { z } from 'zod'

import { createLogger } from '../logger.ts'
import type { Logger, LoggerOptions, TextStream } from '../logger.ts'
import { addDiskMetrics } from '../metrics/disk.ts'
import { createMetrics } from '../metrics/metrics.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { OptionsDefinition, OptionsFrom, OptionsShape } from '../options/define.ts'
import { printableOptions } from '../options/docs.ts'
import { OptionsError } from '../options/errors.ts'
import { loadOptions } from '../options/load.ts'
import { projectVersion } from '../version.ts'
import { explainListenError } from './listen-error.ts'
import { untilStopped } from './until-stopped.ts'

/** What a service is started with. */
export type ServiceContext<Options> = {
  options: Options
  logger: Logger
  metrics: Metrics
  /** The project's version. */
  version: string
  /** Aborted when the service is to stop, also while it is still starting. */
  signal: AbortSignal
  /** For what breaks outside of any call, such as the death of a store's thread: logs it, disposes the service, exits with 1. */
  fail: (error: unknown) => void
}

/** Shapes with the options of logging in them; `commonOptions` has them. */
type ShapeWithLog = OptionsShape & {
  logLevel: z.ZodType<NonNullable<LoggerOptions['level']>>
  logFormat: z.ZodType<LoggerOptions['format']>
}

/** A service as a process. */
export type Service<Shape extends ShapeWithLog> = {
  name: string
  options: OptionsDefinition<Shape>
  /** Starts the service; disposing what it answers stops it. */
  start(context: ServiceContext<OptionsFrom<Shape>>): AsyncDisposable | Promise<AsyncDisposable>
  /** How long the stop may take, in milliseconds. Default 10,000. */
  stopTimeoutMs?: number
  /** Default: this process's. */
  argv?: readonly string[]
  env?: Readonly<Record<string, string | undefined>>
  stdout?: TextStream
  stderr?: TextStream
}

/** The exit code for options that cannot be used, as shells use it for wrong usage. */
const EXIT_USAGE = 2

/**
 * Runs a service as this process: options → start → wait for SIGTERM or SIGINT → dispose. Resolves when it has stopped; the process then ends by
 * itself, with the exit code that is set here.
 *
 * | what happens | exit code |
 * |---|---|
 * | SIGTERM, SIGINT | 0, after disposing |
 * | `--help`, `--version` | 0 |
 * | bad options: all of them are printed, without a stack | 2 |
 * | the start fails, `fail` is called, an exception or rejection nobody handles | 1, after disposing |
 * | the stop takes longer than `stopTimeoutMs`, or a second signal comes | 1, at once |
 */
export async function runService<Shape extends ShapeWithLog>(service: Service<Shape>): Promise<void> {
  const { name, stdout = process.stdout, stderr = process.stderr } = service
  const options = readOptions(service, stdout, stderr)
  if (!options) return

  const version = projectVersion()
  const log = options as { logLevel: NonNullable<LoggerOptions['level']>; logFormat: LoggerOptions['format'] }
  const logger = createLogger({ name, level: log.logLevel, format: log.logFormat, stream: stdout })
  const metrics = createMetrics()
  if ('dataDir' in options) addDiskMetrics(metrics, String(options.dataDir))
  await untilStopped({
    start: async ({ signal, fail }) => {
      logger.info({ version, options: printableOptions(service.options, options) }, 'starting')
      const running = await service.start({ options, logger, metrics, version, signal, fail })
      logger.info('started')
      return running
    },
    logger,
    stopTimeoutMs: service.stopTimeoutMs ?? 10_000,
    explain: error => explainListenError(error, service.options, options),
  })
}

/** The options; undefined when there is nothing to run, and everything there is to say about that has been printed. */
function readOptions<Shape extends ShapeWithLog>(
  { name, options: definition, argv = process.argv.slice(2), env = process.env }: Service<Shape>,
  stdout: TextStream,
  stderr: TextStream,
): OptionsFrom<Shape> | undefined {
  if (argv.includes('--version')) {
    stdout.write(`${projectVersion()}\n`)
    return undefined
  }
  try {
    const loaded = loadOptions(definition, { argv, env })
    if ('options' in loaded) return loaded.options
    stdout.write(loaded.help)
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error
    stderr.write(`${name} cannot start: ${error.message}\n\nSee --help for all options.\n`)
    process.exitCode = EXIT_USAGE
  }
  return undefined
}
