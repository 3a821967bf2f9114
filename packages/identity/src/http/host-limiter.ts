import { createSemaphore, type Semaphore, type SemaphoreLimits } from './semaphore.ts'

/** Bounds the requests to one host, and those to all hosts together. */
export type HostLimiter = {
  /**
   * Waits until a request to `host` may start; dispose what it answers when the request has ended.
   *
   * @throws {IdentityError} `overloaded`, `aborted`
   */
  enter(host: string, signal?: AbortSignal): Promise<Disposable>
  /** Hosts with a request under way or waiting. */
  hosts(): number
}

/**
 * Makes a {@link HostLimiter}. A request first takes a slot of its host, then one of all: a host can hold up no more
 * than its own number of places in the common queue, however many requests for it there are.
 */
export function createHostLimiter(perHost: SemaphoreLimits, overall: SemaphoreLimits): HostLimiter {
  const all = createSemaphore(overall, 'outbound requests')
  const hosts = new Map<string, Semaphore>()

  return {
    async enter(host, signal) {
      let semaphore = hosts.get(host)
      if (!semaphore) {
        semaphore = createSemaphore(perHost, host)
        hosts.set(host, semaphore)
      }
      const leave = (slot: Disposable | undefined): void => {
        slot?.[Symbol.dispose]()
        if (semaphore.idle() && hosts.get(host) === semaphore) hosts.delete(host)
      }
      let own: Disposable | undefined
      try {
        own = await semaphore.acquire(signal)
        const common = await all.acquire(signal)
        return {
          [Symbol.dispose]() {
            common[Symbol.dispose]()
            leave(own)
          },
        }
      } catch (error) {
        leave(own)
        throw error
      }
    },
    hosts: () => hosts.size,
  }
}
