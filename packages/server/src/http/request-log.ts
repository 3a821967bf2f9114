import type { FastifyBaseLogger } from 'fastify'
import type { ChildLoggerOptions, LogFn, Logger } from 'pino'

/**
 * The logger for the server, whose loggers of single requests are made when they first have something to say: most
 * requests log nothing, and making a pino child that redacts takes as long as making a small answer.
 */
export function lazyRequestLogs(logger: Logger): FastifyBaseLogger {
  const child = (bindings: object, options: ChildLoggerOptions = {}): FastifyBaseLogger =>
    // At the start Fastify makes a child with serializers for itself; those of requests are without options.
    Object.keys(options).length === 0
      ? new RequestLog(logger, bindings)
      : lazyRequestLogs(logger.child(bindings, options))
  return Object.create(logger, { child: { value: child } }) as FastifyBaseLogger
}

/** What is asked of the logger of a request: the child with its fields, made at the first call. */
class RequestLog implements FastifyBaseLogger {
  readonly #base: Logger
  readonly #bindings: object
  #made: Logger | undefined

  constructor(base: Logger, bindings: object) {
    this.#base = base
    this.#bindings = bindings
  }

  get level(): string {
    return this.#base.level
  }

  child(bindings: object, options: ChildLoggerOptions = {}): FastifyBaseLogger {
    return this.#child().child(bindings, options)
  }

  get fatal(): LogFn {
    return this.#method('fatal')
  }

  get error(): LogFn {
    return this.#method('error')
  }

  get warn(): LogFn {
    return this.#method('warn')
  }

  get info(): LogFn {
    return this.#method('info')
  }

  get debug(): LogFn {
    return this.#method('debug')
  }

  get trace(): LogFn {
    return this.#method('trace')
  }

  get silent(): LogFn {
    return this.#method('silent')
  }

  #method(level: Exclude<keyof FastifyBaseLogger, 'level' | 'child'>): LogFn {
    const child = this.#child()
    return child[level].bind(child)
  }

  #child(): Logger {
    return (this.#made ??= this.#base.child(this.#bindings))
  }
}
