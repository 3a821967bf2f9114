import { setTimeout as sleep } from 'node:timers/promises'
import { BackupError } from './errors.ts'

const attempts = 6
const firstPauseMs = 250

/**
 * Does what may fail for a moment, up to six times in some eight seconds. What another attempt cannot change is thrown at once:
 * an error of this package that is not `unreachable`.
 */
export async function retry<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const isFinal = error instanceof BackupError && error.code !== 'unreachable'
      if (isFinal || signal?.aborted || attempt === attempts) throw error
      const pauseMs = firstPauseMs * 2 ** (attempt - 1) * (0.5 + Math.random())
      await sleep(pauseMs, undefined, { ...(signal && { signal }) })
    }
  }
}

/** Does work for each of some items, so many at a time; the first failure ends it, when what is under way has ended. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failure: { error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (!failure) {
      const { done, value } = iterator.next()
      if (done) return
      try {
        await work(value)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  if (failure) throw failure.error
}
