/** Why a connection ended or could not be made. */
export type ConnectionErrorCode = 'refused' | 'http' | 'timeout' | 'closed' | 'dead' | 'silent' | 'oversized'

/**
 * A connection to a source that failed. Every one is worth another try after a pause; `retryAfterMs` is the source's own
 * wish.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code: ConnectionErrorCode
  readonly retryAfterMs: number | undefined

  constructor(
    code: ConnectionErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterMs?: number | undefined },
  ) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options?.retryAfterMs
  }
}
