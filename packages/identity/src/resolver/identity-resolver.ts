import { LRUCache } from 'lru-cache'

import type { Identity } from '../did/did-document.ts'
import { parseDid, type ParsedDid } from '../did/did.ts'
import { IdentityError, type IdentityErrorCode } from '../errors.ts'
import { abortable, abortReason } from '../http/deadline.ts'
import type { GuardedFetch } from '../http/guarded-fetch.ts'
import type { DocumentStore } from '../store/document-store.ts'
import { createDocumentCache, readIdentity, type DocumentCacheStats } from './document-cache.ts'
import { createFailureMemory } from './failure-memory.ts'
import { createFlights } from './flights.ts'
import { createPlcSource } from './plc.ts'
import { readWebDocument } from './web.ts'

/** What {@link createIdentityResolver} needs, and what it may be told. */
export type IdentityResolverOptions = {
  /** The PLC directory, trusted as given: private addresses, ports and http are fine. */
  plcUrl: string
  /** Asks the hosts of did:web. Not disposed with the resolver. */
  fetch: GuardedFetch
  /** Keeps documents between runs. Not disposed with the resolver. Default: none. */
  store?: DocumentStore | undefined
  /** How long a document is good without asking again, in milliseconds. Default 24 hours: `#identity` events say when it is not. */
  maxAgeMs?: number | undefined
  /** How old a document may be to be served when asking again fails, in milliseconds. Default 7 days; 0 never serves one. */
  maxStaleMs?: number | undefined
  /** Documents in memory. Default 100,000. */
  maxEntries?: number | undefined
  /** Memory for them, in bytes, by estimate. Default 64 MiB. */
  maxBytes?: number | undefined
  /** How long a DID that does not exist, or has no valid document, is not asked for again, in milliseconds. Default 5 minutes. */
  failureTtlMs?: number | undefined
  /** The same after a first passing failure; it doubles with each in a row. Default 1 second. */
  firstRetryMs?: number | undefined
  /** Where the doubling ends, in milliseconds. Default 2 minutes. */
  maxRetryMs?: number | undefined
  /** The least time between two refreshes of one DID, in milliseconds. Default 60,000. */
  refreshIntervalMs?: number | undefined
  /** Requests to the PLC directory at a time. Default 16. */
  plcConcurrency?: number | undefined
  /** For one request to the PLC directory, in milliseconds. Default 5,000. */
  plcTimeoutMs?: number | undefined
  userAgent?: string | undefined
  /** Seam: the clock, in milliseconds since 1970. */
  now?: (() => number) | undefined
}

/** Who is this DID? Dispose it to end the look-ups under way, with `aborted`. */
export type IdentityResolver = AsyncDisposable & {
  /** What memory holds and is not older than `maxAgeMs`, at once. For the path of every event; `resolve` is for the rest. */
  cached(did: string): Identity | undefined
  /**
   * From memory, else from the store, else from the network, where those who ask for one DID at the same time share one
   * request. When the network fails, rather than saying that the DID is gone, an older document is served instead, up to
   * `maxStaleMs`; `fetchedAt` tells.
   *
   * @param options.maxAgeMs instead of the resolver's, for this call
   * @param options.signal ends this caller's wait, not the request that others may share
   * @throws {IdentityError}
   */
  resolve(
    did: string,
    options?: { signal?: AbortSignal | undefined; maxAgeMs?: number | undefined },
  ): Promise<Identity>
  /**
   * From the network, now: for a signature that does not fit. A second refresh of the same DID within `refreshIntervalMs`
   * is answered like a `resolve` at any age, so that a stream of bad signatures costs a request a minute.
   *
   * @throws {IdentityError} no older document is served: the caller has it already
   */
  refresh(did: string, options?: { signal?: AbortSignal | undefined }): Promise<Identity>
  /**
   * Forgets all about a DID, failures too, on `#identity`: the next `resolve` asks the network, and does not join a
   * request from before.
   */
  purge(did: string): void
  stats(): IdentityResolverStats
}

/** Counters since the start; `entries`, `bytes`, `failures`, `underway` and `plcPaused` are of now. */
export type IdentityResolverStats = DocumentCacheStats & {
  /** Look-ups on the network, by method; and how many of both ended with each code. */
  lookups: { plc: number; web: number }
  failed: Partial<Record<IdentityErrorCode, number>>
  /** Calls that joined a look-up under way. */
  joined: number
  /** Calls answered with a remembered failure. */
  repeatedFailures: number
  staleServed: number
  refreshes: number
  refreshesLimited: number
  purges: number
  failures: number
  underway: number
  plcPaused: boolean
}

const hour = 60 * 60 * 1000
/** A clock set back by less leaves documents from the future valid. */
const clockStepMs = 60_000
/** A refresh that is pushed out of this many may be repeated early, which costs a request. */
const maxRefreshesRemembered = 50_000
const maxFailures = 20_000

/** The answers that a document is not served against: the DID has none any more, or none ever. */
const gone: ReadonlySet<IdentityErrorCode> = new Set(['not_found', 'tombstoned'])

/** Makes an {@link IdentityResolver}. @throws {TypeError} when `plcUrl` is no http(s) URL */
export function createIdentityResolver(options: IdentityResolverOptions): IdentityResolver {
  const { plcUrl, fetch, store, userAgent, now = Date.now } = options
  const {
    maxAgeMs: defaultMaxAgeMs = 24 * hour,
    maxStaleMs = 7 * 24 * hour,
    refreshIntervalMs = 60_000,
  } = options
  const plc = createPlcSource({
    plcUrl,
    now,
    concurrency: options.plcConcurrency,
    timeoutMs: options.plcTimeoutMs,
    userAgent,
  })
  const cache = createDocumentCache({
    maxEntries: options.maxEntries ?? 100_000,
    maxBytes: options.maxBytes ?? 64 * 1024 * 1024,
    store,
  })
  const failures = createFailureMemory({
    maxEntries: maxFailures,
    definiteMs: options.failureTtlMs ?? 5 * 60_000,
    firstRetryMs: options.firstRetryMs ?? 1_000,
    maxRetryMs: options.maxRetryMs ?? 2 * 60_000,
    now,
  })
  const flights = createFlights<Identity>()
  const refreshedAt = new LRUCache<string, number>({ max: maxRefreshesRemembered })
  const closing = new AbortController()
  const counts = {
    lookups: { plc: 0, web: 0 },
    failed: {} as Partial<Record<IdentityErrorCode, number>>,
    joined: 0,
    repeatedFailures: 0,
    staleServed: 0,
    refreshes: 0,
    refreshesLimited: 0,
    purges: 0,
  }

  const isYounger = ({ fetchedAt }: Identity, ms: number): boolean => {
    const age = now() - fetchedAt
    return age < ms && age > -clockStepMs
  }

  const read = (parsed: ParsedDid): Promise<string> => {
    counts.lookups[parsed.method] += 1
    return parsed.method === 'plc'
      ? plc.read(parsed.did, closing.signal)
      : readWebDocument(parsed, fetch, now, closing.signal)
  }

  const lookUp = (parsed: ParsedDid, signal: AbortSignal | undefined): Promise<Identity> => {
    const { did } = parsed
    if (flights.has(did)) counts.joined += 1
    const flight = flights.run(did, async isNewest => {
      // After disposal, the store may be closed.
      const isCurrent = (): boolean => isNewest() && !closing.signal.aborted
      // Of the asking, not of the answer: what changes in between is newer than the document.
      const fetchedAt = now()
      try {
        const json = await read(parsed)
        const identity = readIdentity(did, json, fetchedAt)
        if (isCurrent()) {
          cache.put(identity, json)
          failures.clear(did)
        }
        return identity
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error
        counts.failed[error.code] = (counts.failed[error.code] ?? 0) + 1
        if (isCurrent()) {
          failures.note(did, error)
          if (gone.has(error.code)) cache.delete(did)
        }
        throw error
      }
    })
    return abortable(flight, signal)
  }

  const ask = (parsed: ParsedDid, signal: AbortSignal | undefined): Promise<Identity> => {
    const failure = failures.active(parsed.did)
    if (!failure) return lookUp(parsed, signal)
    counts.repeatedFailures += 1
    throw failure
  }

  const resolve: IdentityResolver['resolve'] = async (did, { signal, maxAgeMs = defaultMaxAgeMs } = {}) => {
    const parsed = parseDid(did)
    if (signal?.aborted) throw abortReason(signal)
    if (closing.signal.aborted) throw abortReason(closing.signal)
    const known = cache.get(did)
    if (known && isYounger(known, maxAgeMs)) return known
    try {
      return await ask(parsed, signal)
    } catch (error) {
      const mayServe = error instanceof IdentityError && error.code !== 'aborted' && !gone.has(error.code)
      // What was purged while we asked is not served any more.
      if (mayServe && known && cache.peek(did) === known && isYounger(known, maxStaleMs)) {
        counts.staleServed += 1
        return known
      }
      throw error
    }
  }

  return {
    cached(did) {
      const known = cache.peek(did)
      return known && isYounger(known, defaultMaxAgeMs) ? known : undefined
    },
    resolve,
    async refresh(did, { signal } = {}) {
      const parsed = parseDid(did)
      if (signal?.aborted) throw abortReason(signal)
      if (closing.signal.aborted) throw abortReason(closing.signal)
      const last = refreshedAt.get(did)
      if (last !== undefined && Math.abs(now() - last) < refreshIntervalMs) {
        counts.refreshesLimited += 1
        return resolve(did, { signal, maxAgeMs: Infinity })
      }
      refreshedAt.set(did, now())
      counts.refreshes += 1
      return lookUp(parsed, signal)
    },
    purge(did) {
      counts.purges += 1
      flights.forget(did)
      cache.delete(did)
      failures.clear(did)
    },
    stats: () => ({
      ...counts,
      lookups: { ...counts.lookups },
      failed: { ...counts.failed },
      ...cache.stats(),
      failures: failures.size(),
      underway: flights.size(),
      plcPaused: plc.isPaused(),
    }),
    async [Symbol.asyncDispose]() {
      closing.abort(new IdentityError('aborted', 'the resolver is closed'))
      await plc[Symbol.asyncDispose]()
    },
  }
}
