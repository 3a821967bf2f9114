import { IdentityError } from '@orrery/identity'
import { HttpError, serviceUnavailable } from '@orrery/server'

/** What clients are told of a server that did not answer as it should: 502, or 504 where it was too slow. */
export function badGateway(message: string, cause?: unknown): HttpError {
  return new HttpError(502, 'UpstreamFailure', message, { cause: undefined, ...(cause ? { cause } : {}) })
}

export function gatewayTimeout(message: string): HttpError {
  return new HttpError(504, 'UpstreamTimeout', message)
}

/**
 * Why a DID or handle could not be resolved, or a host not be asked, as it is served. `error.message` may be shown: it
 * names what was asked, and no more.
 */
export function toUpstreamError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  if (!(error instanceof IdentityError)) throw error
  const { message, retryAfterMs } = error
  switch (error.code) {
    case 'invalid_did':
    case 'unsupported_method':
    case 'invalid_handle':
      return new HttpError(400, 'InvalidRequest', message)
    case 'handle_not_found':
    case 'handle_mismatch':
      return new HttpError(400, 'HandleNotFound', message)
    case 'not_found':
      return new HttpError(400, 'DidNotFound', message)
    case 'tombstoned':
      return new HttpError(400, 'DidDeactivated', message)
    case 'invalid_document':
      return new HttpError(502, 'InvalidDidDocument', message)
    case 'blocked_url':
    case 'blocked_address':
      return new HttpError(502, 'UpstreamRefused', `Not a server that may be asked: ${message}`)
    case 'timeout':
    case 'aborted':
      return gatewayTimeout(message)
    case 'overloaded':
    case 'unavailable':
      return serviceUnavailable(message, Math.max(1, Math.ceil((retryAfterMs ?? 1_000) / 1_000)))
    case 'host_not_found':
    case 'redirect':
    case 'too_large':
    case 'http_error':
    case 'network':
      return badGateway(message)
  }
}
