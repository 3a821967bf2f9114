import type { Logger } from 'pino'

/** What is run, and how its end is reported. */
export type Run = {
  start(context: { signal: AbortSignal; fail: (error: unknown) => void }): Promise<AsyncDisposable>
  logger: Logger
  stopTimeoutMs: number
  /** A message for the operator in place of an error's stack, where there is a better one. */
  explain(error: unknown): string | undefined
}

/** Why the service stops. */
type Reason = { signal: NodeJS.Signals } | { error: unknown }

const EXIT_FAILURE = 1

/**
 * A further signal this soon is the echo of the first: Ctrl-C reaches a whole process group, and supervisors pass it on once more.
 */
const ECHO_MS = 1_000

/**
 * Starts something, waits for the first reason to stop, disposes it, and sets the exit code. On a signal the process is left to end by
 * itself, so that what was forgotten shows up as a stop that takes too long; after an error nothing can be relied on, so it is ended.
 */
export async function untilStopped(run: Run): Promise<void> {
  const { logger } = run
  const aborting = new AbortController()
  const first = Promise.withResolvers<Reason>()
  let reason: Reason | undefined
  let stoppingSince = 0
  let failed = false

  const stop = (next: Reason): void => {
    if (reason) {
      late(next)
      return
    }
    reason = next
    stoppingSince = performance.now()
    // Should the loop empty before the service has disposed of itself, that is a failure.
    process.exitCode = EXIT_FAILURE
    forceExitAfter(run.stopTimeoutMs, logger)
    report(next, run)
    aborting.abort()
    first.resolve(next)
  }
  /** A second signal means that the operator does not want to wait; a further error must not hide the first. */
  const late = (next: Reason): void => {
    if ('signal' in next) {
      if (performance.now() - stoppingSince < ECHO_MS) return
      logger.fatal(`${next.signal} came again; exiting at once, without waiting for the stop`)
      process.exit(EXIT_FAILURE)
    }
    report(next, run)
    failed = true
  }

  const onSignal = (signal: NodeJS.Signals): void => stop({ signal })
  const onError = (error: unknown): void => stop({ error })
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  // Rejections that nobody handles come here too: Node throws them.
  process.on('uncaughtException', onError)

  let running: AsyncDisposable | undefined
  try {
    running = await run.start({ signal: aborting.signal, fail: onError })
  } catch (error) {
    // A start that was told to stop may well fail because of that.
    if (!aborting.signal.aborted) stop({ error })
  }
  const why = await first.promise
  failed ||= 'error' in why
  try {
    await running?.[Symbol.asyncDispose]()
  } catch (error) {
    failed = true
    logger.error({ err: error }, 'the stop went wrong')
  }
  if (failed) process.exit(EXIT_FAILURE)
  logger.info('stopped')
  process.exitCode = 0
}

function report(reason: Reason, run: Run): void {
  const { logger } = run
  if ('signal' in reason) {
    logger.info({ signal: reason.signal }, 'stopping')
    return
  }
  const explained = run.explain(reason.error)
  if (explained !== undefined) logger.fatal(explained)
  else logger.fatal({ err: reason.error }, 'stopping, because of an error')
}

/** The last resort. Does not keep the process alive by itself. */
function forceExitAfter(ms: number, logger: Logger): void {
  setTimeout(() => {
    // What still holds the process up: the names of timers, sockets, threads.
    const held = [...new Set(process.getActiveResourcesInfo())]
    logger.fatal({ held }, `it did not stop within ${ms / 1_000} s; exiting all the same`)
    process.exit(EXIT_FAILURE)
  }, ms).unref()
}
