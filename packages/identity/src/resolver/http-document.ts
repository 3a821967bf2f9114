import { IdentityError } from '../errors.ts'
import type { GuardedResponse } from '../http/guarded-fetch.ts'

/** What both methods ask for. https://www.w3.org/TR/did-1.0/#did-resolution-options */
export const acceptHeader = { accept: 'application/did+ld+json,application/json' } as const

/** A document has a few hundred bytes; PLC refuses operations above 7,500. */
export const maxDocumentBytes = 256 * 1024

/** Waits longer than this are not believed: nobody may make us forget a DID for days. */
const maxRetryAfterMs = 60 * 60 * 1000

/**
 * Answers the text of a document from a response with status 200.
 *
 * @throws {IdentityError} `not_found` for 404, `tombstoned` for 410, `http_error` for every other status, retryable for
 *   408, 425, 429 and 5xx; `invalid_document` when the body is not UTF-8
 */
export function documentText(did: string, response: GuardedResponse, now: number): string {
  const { status, url } = response
  if (status === 200) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(response.bytes)
    } catch (cause) {
      throw new IdentityError('invalid_document', `the DID document is not UTF-8; did=${did}`, {
        did,
        url,
        cause,
      })
    }
  }
  if (status === 404) throw new IdentityError('not_found', `no such DID; did=${did}`, { did, url, status })
  if (status === 410) {
    throw new IdentityError('tombstoned', `the DID was given up; did=${did}`, { did, url, status })
  }
  throw new IdentityError('http_error', `the DID document could not be had; status=${status}; did=${did}`, {
    did,
    url,
    status,
    retryable: status >= 500 || status === 408 || status === 425 || status === 429,
    retryAfterMs: parseRetryAfter(response.headers['retry-after'], now),
  })
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3), as milliseconds from now; undefined for nonsense. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return ms > 0 ? Math.min(ms, maxRetryAfterMs) : undefined
}
