import { IdentityError } from '../errors.ts'
import { abortReason } from './deadline.ts'

/** Deep enough for what undici wraps (fetch → socket → ours), and an end for a cause that holds itself. */
const maxCauses = 5

/**
 * Says in our terms why a request failed. An abort speaks first, because undici reports it in several guises; then an
 * error of ours from further down, such as the connector's; then what undici's code tells.
 */
export function toFetchError(error: unknown, url: URL, signal: AbortSignal): IdentityError {
  if (signal.aborted) return withUrl(abortReason(signal), url)
  let cause = error
  for (let depth = 0; depth < maxCauses && cause instanceof Error; depth++, cause = cause.cause) {
    if (cause instanceof IdentityError) return withUrl(cause, url)
    const code = 'code' in cause ? cause.code : undefined
    if (code === 'UND_ERR_HEADERS_OVERFLOW') {
      return new IdentityError('too_large', `the header is too large; url=${url.href}`, {
        url: url.href,
        cause: error,
      })
    }
    if (
      code === 'UND_ERR_CONNECT_TIMEOUT' ||
      code === 'UND_ERR_HEADERS_TIMEOUT' ||
      code === 'UND_ERR_BODY_TIMEOUT'
    ) {
      return new IdentityError('timeout', `the host is too slow; url=${url.href}`, {
        url: url.href,
        cause: error,
      })
    }
  }
  return new IdentityError('network', `the request failed; url=${url.href}`, { url: url.href, cause: error })
}

/** The same error, with the URL that it concerns. */
function withUrl(error: IdentityError, url: URL): IdentityError {
  if (error.url !== undefined) return error
  const { code, message, did, status, retryAfterMs, retryable, cause } = error
  const details = { did, status, retryAfterMs, retryable, cause, url: url.href }
  return new IdentityError(code, `${message}; url=${url.href}`, details)
}
