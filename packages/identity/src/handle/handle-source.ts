import { isValidDid } from '@atproto/syntax'

import { IdentityError } from '../errors.ts'
import { createDeadline } from '../http/deadline.ts'
import type { GuardedFetch } from '../http/guarded-fetch.ts'
import { createHostLimiter } from '../http/host-limiter.ts'
import { siteOf } from './handle.ts'
import type { TxtLookup } from './txt.ts'
import { readWellKnownDid } from './well-known.ts'

/**
 * The DID that a handle names now, without asking whether the DID agrees.
 *
 * @param handle in its normal form
 * @throws {IdentityError} `handle_not_found`, or a retryable one when that cannot be told
 */
export type HandleSource = (handle: string, signal: AbortSignal) => Promise<string>

/** Longer names do not fit behind `_atproto.` in a DNS name of 253 characters; they have HTTPS alone. */
const maxDnsHandle = 244

/**
 * Makes the source of handles: the TXT records of `_atproto.<handle>`, and where these name no DID,
 * `https://<handle>/.well-known/atproto-did`. Bounded in time, and in number for the names of one site and for all.
 *
 * @param options.timeoutMs for all of it, in milliseconds. Default 6,000
 * @see https://atproto.com/specs/handle#handle-resolution
 */
export function createHandleSource(options: {
  txt: TxtLookup
  fetch: GuardedFetch
  timeoutMs?: number | undefined
}): HandleSource {
  const { txt, fetch, timeoutMs = 6_000 } = options
  const limiter = createHostLimiter(
    { slots: 32, maxWaiting: 128, maxWaitMs: 2_000 },
    { slots: 256, maxWaiting: 1_024, maxWaitMs: 2_000 },
  )

  /** Undefined where DNS names none. */
  async function askDns(handle: string, signal: AbortSignal): Promise<string | undefined> {
    if (handle.length > maxDnsHandle) return undefined
    const [did, ...others] = didsIn(await txt(`_atproto.${handle}`, signal))
    if (others.length > 0) {
      throw new IdentityError('handle_not_found', `DNS names several DIDs; handle=${handle}`)
    }
    return did
  }

  return async (handle, signal) => {
    using _ = await limiter.enter(siteOf(handle), signal)
    using deadline = createDeadline(signal)
    deadline.start(timeoutMs)
    let failure: IdentityError | undefined
    try {
      const did = await askDns(handle, deadline.signal)
      if (did !== undefined) return did
    } catch (error) {
      if (!(error instanceof IdentityError) || !error.retryable || deadline.signal.aborted) throw error
      failure = error
    }
    try {
      return await readWellKnownDid(handle, fetch, deadline.signal)
    } catch (error) {
      // That the host knows nothing is not the last word while DNS could not be asked.
      throw failure && error instanceof IdentityError && error.code === 'handle_not_found' ? failure : error
    }
  }
}

/** The DIDs of records that begin with `did=`, each once. Others, and what is no DID, are somebody else's. */
function didsIn(records: readonly string[]): string[] {
  const values = records.filter(record => record.startsWith('did=')).map(record => record.slice(4).trim())
  return [...new Set(values.filter(isValidDid))]
}
