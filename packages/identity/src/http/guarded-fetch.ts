import { Agent, fetch, type Response } from 'undici'

import { IdentityError } from '../errors.ts'
import { isGlobalAddress } from './address.ts'
import { createPinnedConnector, type Dial } from './connector.ts'
import { createDeadline } from './deadline.ts'
import { toFetchError } from './fetch-error.ts'
import { createHostLimiter } from './host-limiter.ts'
import { createDnsLookup, systemLookup, type Lookup } from './lookup.ts'
import { checkUrl } from './url-policy.ts'

/** What a {@link GuardedFetch} may do and how much; every field has a default. */
export type GuardedFetchOptions = {
  /**
   * For development and for hosts that the operator named: also http, other ports than 443 and addresses that are not
   * public, and names are asked of the system (hosts file and all) instead of DNS. Default false. Every other limit stays.
   */
  allowPrivateHosts?: boolean | undefined
  /** From the first connection to the last byte, redirects included, in milliseconds. Default 10,000. */
  timeoutMs?: number | undefined
  /** Limit of a body, decompressed, in bytes. Default 1 MiB. */
  maxBytes?: number | undefined
  /** How many redirects are followed. Default 3; with 0 a redirect is an error. */
  maxRedirects?: number | undefined
  /** Requests to one host at a time. Default 4. */
  perHostConcurrency?: number | undefined
  /** Requests to all hosts at a time, which with `maxBytes` bounds the memory. Default 64. */
  concurrency?: number | undefined
  /** How many may wait for one host. Default 64; the next is refused. */
  maxWaitingPerHost?: number | undefined
  /** How many may wait in total, beyond what waits for its host. Default 1,024. */
  maxWaiting?: number | undefined
  /** How long a request may wait for its turn, in milliseconds, before its time counts. Default 10,000. */
  maxWaitMs?: number | undefined
  /** Default `orrery`. */
  userAgent?: string | undefined
  /** Seam: resolves names. */
  lookup?: Lookup | undefined
  /** Seam: connects to addresses that passed the check. */
  dial?: Dial | undefined
}

/** What one request may ask for. */
export type GuardedRequest = {
  signal?: AbortSignal | undefined
  /** Sent to every host on the way, redirects included: nothing secret belongs here. */
  headers?: Readonly<Record<string, string>> | undefined
  /** Instead of the default of the {@link GuardedFetch}. */
  timeoutMs?: number | undefined
  /** Instead of the default of the {@link GuardedFetch}. */
  maxBytes?: number | undefined
  /** Called when its turn has come, before anything is sent: what it throws ends the request. */
  onTurn?: (() => void) | undefined
}

/** An answer, read to its end. */
export type GuardedResponse = {
  /** Any status but a redirect that was followed. */
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  /** The body, decompressed. */
  bytes: Uint8Array
  /** Where it came from, after redirects. */
  url: string
}

/** HTTP to hosts that strangers named. Dispose it to end what is under way and close all connections. */
export type GuardedFetch = AsyncDisposable & {
  /**
   * Gets a URL, whatever the status.
   *
   * @throws {IdentityError} `blocked_url`, `blocked_address`, `host_not_found`, `redirect`, `too_large`, `timeout`,
   *   `network`, `overloaded` or `aborted`
   */
  get(url: string | URL, request?: GuardedRequest): Promise<GuardedResponse>
  stats(): GuardedFetchStats
}

/** Counters since the start, and how many hosts have requests now. */
export type GuardedFetchStats = { requests: number; redirects: number; refused: number; activeHosts: number }

const redirectStatuses = new Set([301, 302, 303, 307, 308])

/**
 * Makes a client that may be pointed at any URL a stranger wrote. Unless `allowPrivateHosts`, it sends only https to port
 * 443 of public addresses, checked after DNS at the moment of connecting, again for every redirect. A request is bounded
 * in time from its first connection to its last byte, in size after decompression, and in number for each host and for all.
 */
export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const { allowPrivateHosts = false, timeoutMs = 10_000, maxBytes = 1024 * 1024, maxRedirects = 3 } = options
  const { perHostConcurrency = 4, maxWaitMs = 10_000, userAgent = 'orrery' } = options
  const limiter = createHostLimiter(
    { slots: perHostConcurrency, maxWaiting: options.maxWaitingPerHost ?? 64, maxWaitMs },
    { slots: options.concurrency ?? 64, maxWaiting: options.maxWaiting ?? 1024, maxWaitMs },
  )
  const agent = new Agent({
    connect: createPinnedConnector({
      lookup: options.lookup ?? (allowPrivateHosts ? systemLookup : createDnsLookup()),
      isAllowed: allowPrivateHosts ? () => true : isGlobalAddress,
      timeoutMs,
      dial: options.dial,
    }),
    connections: perHostConcurrency,
    pipelining: 1,
    // A host may ask to keep a connection for longer; thousands of hosts that do would use up our sockets.
    keepAliveMaxTimeout: 10_000,
    // The deadline is what bounds a request.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const closing = new AbortController()
  const stats = { requests: 0, redirects: 0, refused: 0 }

  const hop = async (
    url: URL,
    request: GuardedRequest,
    signal: AbortSignal,
  ): Promise<GuardedResponse | URL> => {
    let response: Response | undefined
    try {
      response = await fetch(url, {
        dispatcher: agent,
        redirect: 'manual',
        signal,
        headers: { 'user-agent': userAgent, ...request.headers },
      })
      const location = redirectStatuses.has(response.status) ? response.headers.get('location') : null
      if (location !== null) return checkUrl(location, allowPrivateHosts, url)
      const bytes = await readBody(response, request.maxBytes ?? maxBytes, url)
      return { status: response.status, headers: Object.fromEntries(response.headers), bytes, url: url.href }
    } catch (error) {
      throw toFetchError(error, url, signal)
    } finally {
      // Closes the connection of a body that is not wanted; what was read to its end is left alone.
      if (response?.bodyUsed === false) await response.body?.cancel().catch(() => {})
    }
  }

  const get = async (input: string | URL, request: GuardedRequest): Promise<GuardedResponse> => {
    let url = checkUrl(input, allowPrivateHosts)
    using deadline = createDeadline(request.signal, closing.signal)
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const slot = await limiter.enter(url.host, deadline.signal)
      try {
        request.onTurn?.()
        if (redirects === 0) deadline.start(request.timeoutMs ?? timeoutMs)
        stats.requests += 1
        const answer = await hop(url, request, deadline.signal)
        if (!(answer instanceof URL)) return answer
        stats.redirects += 1
        url = answer
      } finally {
        slot[Symbol.dispose]()
      }
    }
    throw new IdentityError('redirect', `more than ${maxRedirects} redirects; url=${url.href}`, {
      url: url.href,
    })
  }

  return {
    async get(url, request = {}) {
      try {
        return await get(url, request)
      } catch (error) {
        if (error instanceof IdentityError && error.code.startsWith('blocked_')) stats.refused += 1
        throw error
      }
    },
    stats: () => ({ ...stats, activeHosts: limiter.hosts() }),
    async [Symbol.asyncDispose]() {
      closing.abort(new IdentityError('aborted', 'the client is closed'))
      await agent.destroy()
    },
  }
}

/** Counts what arrives after decompression; `content-length` is the other side's claim and is not looked at. */
async function readBody(response: Response, maxBytes: number, url: URL): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.byteLength
    if (size > maxBytes) {
      throw new IdentityError('too_large', `the body exceeds ${maxBytes} bytes; url=${url.href}`, {
        url: url.href,
      })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
