import { IdentityError } from '../errors.ts'
import { abortReason, onAbort } from './deadline.ts'

/** What bounds a {@link Semaphore}. */
export type SemaphoreLimits = {
  /** How many may hold a slot at once. */
  slots: number
  /** How many may wait for one; the next is refused. */
  maxWaiting: number
  /** How long one may wait, in milliseconds. */
  maxWaitMs: number
}

/** A number of slots and a bounded queue, first come first served. */
export type Semaphore = {
  /**
   * Waits for a slot; dispose it to give it back.
   *
   * @throws {IdentityError} `overloaded` when the queue is full or the wait too long, `aborted` by the signal
   */
  acquire(signal?: AbortSignal): Promise<Disposable>
  /** Nobody holds a slot or waits for one. */
  idle(): boolean
  waiting(): number
}

/** Makes a {@link Semaphore}. `what` completes "too many requests wait for …" in errors. */
export function createSemaphore(limits: SemaphoreLimits, what: string): Semaphore {
  let active = 0
  /** In order of arrival. Each hands its slot to one who waits. */
  const queue = new Set<() => void>()

  const slot = (): Disposable => {
    let held = true
    return {
      [Symbol.dispose]() {
        if (!held) return
        held = false
        const [next] = queue
        if (next) next()
        else active -= 1
      },
    }
  }

  const wait = (signal: AbortSignal | undefined): Promise<Disposable> =>
    new Promise((resolve, reject) => {
      let link: Disposable | undefined
      const leave = (): void => {
        queue.delete(grant)
        clearTimeout(timer)
        link?.[Symbol.dispose]()
      }
      const grant = (): void => {
        leave()
        resolve(slot())
      }
      const timer = setTimeout(() => {
        leave()
        reject(new IdentityError('overloaded', `no slot for ${what} within ${limits.maxWaitMs} ms`))
      }, limits.maxWaitMs)
      queue.add(grant)
      if (signal) {
        link = onAbort(signal, error => {
          leave()
          reject(error)
        })
      }
    })

  return {
    async acquire(signal) {
      if (signal?.aborted) throw abortReason(signal)
      if (active < limits.slots) {
        active += 1
        return slot()
      }
      if (queue.size >= limits.maxWaiting) {
        throw new IdentityError('overloaded', `too many requests wait for ${what}; waiting=${queue.size}`)
      }
      return wait(signal)
    },
    idle: () => active === 0 && queue.size === 0,
    waiting: () => queue.size,
  }
}
