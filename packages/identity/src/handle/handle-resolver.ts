import { LRUCache } from 'lru-cache'

import { IdentityError } from '../errors.ts'
import { abortable } from '../http/deadline.ts'
import { createFailureMemory } from '../resolver/failure-memory.ts'
import { createFlights } from '../resolver/flights.ts'
import type { HandleStore, KnownHandle } from '../store/handles.ts'
import type { HandleSource } from './handle-source.ts'

/** What {@link createHandleResolver} needs, and what it may be told. */
export type HandleResolverOptions = {
  source: HandleSource
  /** Keeps handles between runs. Not disposed with the resolver. Default: none. */
  store?: HandleStore | undefined
  /** How old an answer may be, in milliseconds. Default 24 hours. */
  maxAgeMs?: number | undefined
  /** How old it may be when asking again fails, in milliseconds. Default 48 hours. */
  maxStaleMs?: number | undefined
  /** How long a handle that leads nowhere is not asked for again, in milliseconds. Default 60,000. */
  notFoundMs?: number | undefined
  /** Handles in memory. Default 100,000, some 20 MB. */
  maxEntries?: number | undefined
  now?: (() => number) | undefined
}

/** Which DID does this handle name? A claim of the handle's owner: whether the DID agrees is not asked. */
export type HandleResolver = AsyncDisposable & {
  /**
   * From memory, else from the store, else from the network, where those who ask at the same time share one look-up.
   *
   * @param handle in its normal form
   * @throws {IdentityError} `handle_not_found`, or a retryable one
   */
  resolve(
    handle: string,
    options?: { maxAgeMs?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<KnownHandle>
  /** Forgets a handle, failures too: the next `resolve` asks, and does not join a look-up from before. */
  purge(handle: string): void
  stats(): HandleResolverStats
}

/** Counters since the start; `entries` and `failures` are of now. */
export type HandleResolverStats = {
  lookups: number
  found: number
  notFound: number
  failed: number
  entries: number
  failures: number
}

const hour = 60 * 60 * 1000
const clockStepMs = 60_000

/** Makes a {@link HandleResolver}. */
export function createHandleResolver(options: HandleResolverOptions): HandleResolver {
  const { source, store, now = Date.now, maxAgeMs: defaultMaxAgeMs = 24 * hour } = options
  const { maxStaleMs = 48 * hour } = options
  const memory = new LRUCache<string, KnownHandle>({ max: options.maxEntries ?? 100_000 })
  const failures = createFailureMemory({
    maxEntries: 20_000,
    definiteMs: options.notFoundMs ?? 60_000,
    firstRetryMs: 1_000,
    maxRetryMs: 2 * 60_000,
    now,
  })
  const flights = createFlights<KnownHandle>()
  const closing = new AbortController()
  const counts = { lookups: 0, found: 0, notFound: 0, failed: 0 }

  function get(handle: string): KnownHandle | undefined {
    const known = memory.get(handle) ?? store?.get(handle)
    if (known) memory.set(handle, known)
    return known
  }

  function isYounger({ fetchedAt }: KnownHandle, ms: number): boolean {
    const age = now() - fetchedAt
    return age < ms && age > -clockStepMs
  }

  async function lookUp(handle: string, isNewest: () => boolean): Promise<KnownHandle> {
    counts.lookups += 1
    const fetchedAt = now()
    const isCurrent = (): boolean => isNewest() && !closing.signal.aborted
    try {
      const known = { did: await source(handle, closing.signal), fetchedAt }
      counts.found += 1
      if (isCurrent()) {
        memory.set(handle, known)
        store?.put(handle, known)
        failures.clear(handle)
      }
      return known
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error
      counts[error.code === 'handle_not_found' ? 'notFound' : 'failed'] += 1
      if (isCurrent()) {
        failures.note(handle, error)
        if (error.code === 'handle_not_found') forget(handle)
      }
      throw error
    }
  }

  function forget(handle: string): void {
    memory.delete(handle)
    store?.delete(handle)
  }

  return {
    async resolve(handle, { maxAgeMs = defaultMaxAgeMs, signal } = {}) {
      const known = get(handle)
      if (known && isYounger(known, maxAgeMs)) return known
      try {
        const failure = failures.active(handle)
        if (failure) throw failure
        return await abortable(
          flights.run(handle, isCurrent => lookUp(handle, isCurrent)),
          signal,
        )
      } catch (error) {
        const mayServe = error instanceof IdentityError && error.retryable
        if (mayServe && known && memory.peek(handle) === known && isYounger(known, maxStaleMs)) return known
        throw error
      }
    },
    purge(handle) {
      flights.forget(handle)
      forget(handle)
      failures.clear(handle)
    },
    stats: () => ({ ...counts, entries: memory.size, failures: failures.size() }),
    async [Symbol.asyncDispose]() {
      closing.abort(new IdentityError('aborted', 'the resolver is closed'))
    },
  }
}
