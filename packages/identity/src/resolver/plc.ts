import { IdentityError, type IdentityErrorCode } from '../errors.ts'
import { createGuardedFetch, type GuardedFetch } from '../http/guarded-fetch.ts'
import { createSemaphore } from '../http/semaphore.ts'
import { createBreaker } from './breaker.ts'
import { acceptHeader, documentText, maxDocumentBytes } from './http-document.ts'

/** Reads documents of one PLC directory. */
export type PlcSource = AsyncDisposable & {
  /** The text of the document of a well-formed did:plc. @throws {IdentityError} */
  read(did: string, signal: AbortSignal): Promise<string>
  /** The directory keeps failing and is left alone. */
  isPaused(): boolean
}

/** What {@link createPlcSource} needs; the rest has defaults. */
export type PlcSourceOptions = {
  plcUrl: string
  now: () => number
  /** Requests at a time. Default 16. */
  concurrency?: number | undefined
  /** For one request, in milliseconds. Default 5,000. */
  timeoutMs?: number | undefined
  userAgent?: string | undefined
}

/**
 * A directory that is asked for many new DIDs at once answers about 100 a second with 16 connections: this many wait no
 * longer than `maxWaitMs`.
 */
const maxWaiting = 2_000
const maxWaitMs = 30_000

/** What a directory answers about a DID. Everything else is about the directory, and passes. */
const answers: ReadonlySet<IdentityErrorCode> = new Set([
  'not_found',
  'tombstoned',
  'invalid_did',
  'invalid_document',
  'too_large',
  'aborted',
])

/**
 * Makes the source of did:plc documents. The directory is the operator's choice, so its address may be any, with http
 * too; time, size and number of requests are bounded all the same, redirects are errors, and a directory that keeps
 * failing is left alone for a moment, so that an outage meets a few requests instead of one for each event.
 *
 * @throws {TypeError} when `plcUrl` is not an http(s) URL without credentials, query and fragment
 * @see https://web.plc.directory/spec/v0.1/did-plc
 */
export function createPlcSource(options: PlcSourceOptions): PlcSource {
  const { now, concurrency = 16, timeoutMs = 5_000, userAgent } = options
  const base = plcBase(options.plcUrl)
  const client: GuardedFetch = createGuardedFetch({
    allowPrivateHosts: true,
    maxRedirects: 0,
    maxBytes: maxDocumentBytes,
    perHostConcurrency: concurrency,
    concurrency,
    timeoutMs,
    userAgent,
  })
  // The wait is here and not in the client: those who waited while the directory began to fail must not be sent.
  const slots = createSemaphore({ slots: concurrency, maxWaiting, maxWaitMs }, 'the PLC directory')
  const breaker = createBreaker({
    what: 'the PLC directory',
    threshold: 5,
    firstPauseMs: 1_000,
    maxPauseMs: 30_000,
    now,
  })

  const request = async (did: string, signal: AbortSignal): Promise<string> => {
    try {
      const response = await client.get(`${base}/${did}`, { signal, headers: acceptHeader })
      if (response.status === 400) {
        throw new IdentityError('invalid_did', `the PLC directory does not accept the DID; did=${did}`, {
          did,
          status: 400,
        })
      }
      return documentText(did, response, now())
    } catch (error) {
      if (!(error instanceof IdentityError) || answers.has(error.code) || error.retryable) throw error
      const { code, message, url, status, retryAfterMs } = error
      throw new IdentityError(code, message, {
        did,
        url,
        status,
        retryAfterMs,
        retryable: true,
        cause: error,
      })
    }
  }

  return {
    async read(did, signal) {
      const slot = await slots.acquire(signal)
      try {
        return await breaker.run(() => request(did, signal))
      } finally {
        slot[Symbol.dispose]()
      }
    },
    isPaused: () => breaker.isOpen(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** Without final slash. String work, because a DID resolved against a URL is a URL of its own. */
function plcBase(plcUrl: string): string {
  const url = URL.parse(plcUrl)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TypeError(`the PLC directory must be an http or https URL; got ${plcUrl}`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError('the URL of the PLC directory must have no credentials, query or fragment')
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}
