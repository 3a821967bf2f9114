import { LRUCache } from 'lru-cache'

import { IdentityError } from '../errors.ts'

/** Remembers which DIDs or handles could not be resolved, so that they are not asked for again and again. */
export type FailureMemory = {
  /** The failure to repeat instead of asking, with what remains of its time as `retryAfterMs`. */
  active(did: string): IdentityError | undefined
  /** Remembers a failure. Those of our own making (`aborted`, `overloaded`, `unavailable`) say nothing of the DID and are not. */
  note(did: string, error: IdentityError): void
  clear(did: string): void
  size(): number
}

type Failure = { error: Omit<IdentityError, 'name'>; until: number; inARow: number }

const notOfTheDid: ReadonlySet<string> = new Set(['aborted', 'overloaded', 'unavailable'])

/**
 * Makes a {@link FailureMemory}. A failure that is not retryable is repeated for `definiteMs`; a retryable one for
 * `firstRetryMs`, twice that the next time, and so on up to `maxRetryMs`, or for as long as the other side asked.
 */
export function createFailureMemory(options: {
  maxEntries: number
  definiteMs: number
  firstRetryMs: number
  maxRetryMs: number
  now: () => number
}): FailureMemory {
  const { definiteMs, firstRetryMs, maxRetryMs, now } = options
  const failures = new LRUCache<string, Failure>({ max: options.maxEntries })

  return {
    active(did) {
      const failure = failures.get(did)
      if (!failure) return undefined
      const retryAfterMs = failure.until - now()
      if (retryAfterMs <= 0) return undefined
      const { code, message, status, retryable, url, did: of } = failure.error
      return new IdentityError(code, message, { did: of ?? didIn(did), url, status, retryable, retryAfterMs })
    },
    note(did, error) {
      if (notOfTheDid.has(error.code)) return
      // A failure whose time is over stays until it is overwritten or pushed out: the next one grows from it.
      const inARow = (failures.get(did)?.inARow ?? 0) + 1
      const backoffMs = Math.min(firstRetryMs * 2 ** (inARow - 1), maxRetryMs)
      const waitMs = error.retryable ? Math.max(backoffMs, error.retryAfterMs ?? 0) : definiteMs
      const { code, message, retryable, did: of, url, status, retryAfterMs } = error
      // Without its cause and stack, which hold on to sockets and buffers.
      failures.set(did, {
        error: { code, message, retryable, did: of, url, status, retryAfterMs },
        until: now() + waitMs,
        inARow,
      })
    },
    clear: did => void failures.delete(did),
    size: () => failures.size,
  }
}

function didIn(key: string): string | undefined {
  return key.startsWith('did:') ? key : undefined
}
