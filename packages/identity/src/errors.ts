/**
 * Every code of {@link IdentityError}, and whether asking again later, with nothing changed on our side, may end better.
 * `http_error` depends on the status, so its error says.
 */
export const identityErrorCodes = {
  /** The DID method's authority says that there is no such DID (PLC: 404; did:web: 404 or 410). */
  not_found: false,
  /** PLC says that the DID existed and was given up (410). */
  tombstoned: false,
  /** Not a DID, or not one that its method allows. */
  invalid_did: false,
  /** A DID of a method other than `plc` and `web`. */
  unsupported_method: false,
  /** The answer is not a DID document of this DID. */
  invalid_document: false,
  /** Not a handle, or one under a name that never resolves. Nothing was sent. */
  invalid_handle: false,
  /** Neither DNS nor the host of the handle names a DID, or DNS names several. */
  handle_not_found: false,
  /** The handle leads to a DID whose document does not claim it. */
  handle_mismatch: false,
  /** The URL is refused before anything is sent: scheme, port, credentials, length. */
  blocked_url: false,
  /** The host is, or resolves only to, addresses that are not public. */
  blocked_address: false,
  /** DNS says that the host has no address. */
  host_not_found: false,
  /** More redirects than allowed (for PLC: any). */
  redirect: false,
  /** The body, decompressed, exceeds the limit; or its header does. */
  too_large: false,
  /** Another status than 200. See `status` and `retryable`. */
  http_error: true,
  /** The whole-request deadline passed. */
  timeout: true,
  /** DNS, TCP, TLS or HTTP failed. */
  network: true,
  /** Our own queue for that host, or for all hosts, is full, or the wait in it was too long. Nothing was sent. */
  overloaded: true,
  /** The PLC directory failed several times in a row and is left alone for `retryAfterMs`. Nothing was sent. */
  unavailable: true,
  /** The caller's signal, or the disposal of the resolver, ended the wait. `cause` is the signal's reason. */
  aborted: false,
} as const

/** See {@link identityErrorCodes}. */
export type IdentityErrorCode = keyof typeof identityErrorCodes

/** What an {@link IdentityError} knows besides its code and message; all of it optional. */
export type IdentityErrorDetails = {
  did?: string | undefined
  url?: string | undefined
  /** HTTP status, for `http_error`, `not_found`, `tombstoned` and `redirect`. */
  status?: number | undefined
  /** Asking again earlier than this many milliseconds from now is pointless. */
  retryAfterMs?: number | undefined
  /** Overrides the default of the code. */
  retryable?: boolean | undefined
  cause?: unknown
}

/** The one error of this package: why a DID could not be resolved, or a URL not be fetched. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError'
  readonly code: IdentityErrorCode
  /** True when the same question may be answered later. */
  readonly retryable: boolean
  readonly did: string | undefined
  readonly url: string | undefined
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: IdentityErrorCode, message: string, details: IdentityErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? identityErrorCodes[code]
    this.did = details.did
    this.url = details.url
    this.status = details.status
    this.retryAfterMs = details.retryAfterMs
  }
}
