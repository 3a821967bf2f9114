import { isValidDid } from '@atproto/syntax'

import { IdentityError } from '../errors.ts'
import type { GuardedFetch } from '../http/guarded-fetch.ts'

const timeoutMs = 4_000
/** A DID has at most 2,048 characters. */
const maxBytes = 4 * 1024

/**
 * Asks the host of a handle for its DID. Redirects are followed as far as `fetch` does; a page in HTML, or anything else
 * that is not a DID, means that there is none.
 *
 * @throws {IdentityError} `handle_not_found`; a retryable one when the host fails
 * @see https://atproto.com/specs/handle#handle-resolution
 */
export async function readWellKnownDid(
  handle: string,
  fetch: GuardedFetch,
  signal: AbortSignal,
): Promise<string> {
  const url = `https://${handle}/.well-known/atproto-did`
  try {
    const { status, bytes } = await fetch.get(url, { signal, timeoutMs, maxBytes })
    const did = status === 200 ? Buffer.from(bytes).toString('utf8').trim() : ''
    if (isValidDid(did)) return did
    if (status >= 500 || status === 408 || status === 425 || status === 429) {
      throw new IdentityError(
        'http_error',
        `the host of the handle fails; status=${status}; handle=${handle}`,
        {
          url,
          status,
        },
      )
    }
  } catch (cause) {
    if (!(cause instanceof IdentityError) || cause.retryable || cause.code === 'aborted') throw cause
    throw notFound(handle, cause)
  }
  throw notFound(handle)
}

function notFound(handle: string, cause?: IdentityError): IdentityError {
  return new IdentityError('handle_not_found', `the handle leads to no DID; handle=${handle}`, { cause })
}
