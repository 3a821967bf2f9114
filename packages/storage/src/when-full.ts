import { setTimeout as sleep } from 'node:timers/promises'
import { StorageError } from './errors.ts'

export interface WhenFullOptions {
  /** Ends the trying. */
  signal: AbortSignal
  /** Told each time that there is no room. */
  onFull: (error: StorageError) => void
  /** Told when there is room again. */
  onRoom: () => void
  /** How long to wait before the next try, milliseconds. Default 5,000. */
  pauseMs?: number | undefined
}

/** Whether something failed for want of room on the disk. That passes; how else a store fails mostly does not. */
export function isDiskFull(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code === 'full'
}

/**
 * Does a piece of writing, and again while the disk is full, so that a service stands still rather than lose something.
 * True once it is done, false where the signal ended the trying.
 *
 * @throws what the work throws for any other reason
 */
export async function retryWhenFull(work: () => Promise<void>, options: WhenFullOptions): Promise<boolean> {
  const { signal, onFull, onRoom, pauseMs = 5_000 } = options
  for (let tries = 0; ; tries++) {
    try {
      await work()
      if (tries > 0) onRoom()
      return true
    } catch (error) {
      if (!isDiskFull(error)) throw error
      if (signal.aborted) return false
      onFull(error)
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}
