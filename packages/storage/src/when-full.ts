import { setTimeout as sleep } from 'node:timers/promises'
import { StorageError } from './errors.ts'

export interface WhenFullOptions {
  logger: { error(fields: { err: StorageError }, message: string): void; info(message: string): void }
  /** Ends the trying. */
  signal: AbortSignal
  /** What stands still meanwhile, for the log: `indexing has stopped`. */
  stopped: string
  /** What may be done besides making room: `or lower --retention`. */
  remedy?: string
  /** How long to wait before the next try, milliseconds. Default 5,000. */
  pauseMs?: number | undefined
}

/** Whether something failed for want of room on the disk. That passes; how else a store fails mostly does not. */
export function isDiskFull(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code === 'full'
}

/**
 * Does a piece of writing, and again while the disk is full, so that a service stands still rather than lose something; each
 * time it says so in the log, and when there is room again.
 * True once it is done, false where the signal ended the trying.
 *
 * @throws what the work throws for any other reason
 */
export async function untilRoom(work: () => Promise<void>, options: WhenFullOptions): Promise<boolean> {
  const { logger, signal, stopped, remedy, pauseMs = 5_000 } = options
  const whatToDo = ['Make room', remedy].filter(part => part !== undefined).join(', ')
  for (let tries = 0; ; tries++) {
    try {
      await work()
      if (tries > 0) logger.info('there is room on the disk again; going on')
      return true
    } catch (err) {
      if (!isDiskFull(err)) throw err
      if (signal.aborted) return false
      logger.error(
        { err },
        `the disk is full: ${stopped}, nothing is lost. ${whatToDo}; trying again every ${pauseMs / 1000} s`,
      )
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}
