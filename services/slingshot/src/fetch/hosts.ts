import {
  type Breaker,
  createBreaker,
  type GuardedFetch,
  type GuardedResponse,
  IdentityError,
} from '@orrery/identity'
import { LRUCache } from 'lru-cache'

export interface AskOptions {
  signal: AbortSignal
  headers?: Readonly<Record<string, string>>
  maxBytes: number
}

/** Asks servers that strangers named. Answers with any status below 500. */
export interface Hosts {
  /** @throws IdentityError a retryable one for a status of 500 and above, and for 429 */
  ask(url: URL, options: AskOptions): Promise<GuardedResponse>
  /**
   * Why a server would not be asked now, without asking: it is left alone, or as many ask it as may wait. Answers
   * what to tell clients, with a 503.
   *
   * @param url of the server, as DID documents have it; what is no URL is asked, and fails then
   */
  refusal(url: string): Refusal | undefined
  /** Servers that are left alone now, at the most as many as are remembered. */
  paused(): number
}

/** No error, as there may be thousands a second and each of those knows where it was made. */
export interface Refusal {
  message: string
  retryAfterSeconds: number
}

interface Host {
  readonly breaker: Breaker
  /** Questions to it under way, those that wait for their turn too. */
  underway: number
  /** Why it was given up last. One for all who wait for their turn then, as each error knows where it was made. */
  givenUp: IdentityError | undefined
}

const leftAlone = 'keeps failing and is left alone'

/** Of a server that is forgotten, nothing bad is known any more. */
const remembered = 5_000

/**
 * Puts a breaker before each host: one that fails five times in a row is left alone for a second, then for two, and so on
 * up to 30, so that a dead host costs those who ask for it, and nobody else, a quick refusal.
 *
 * @param limits.maxUnderway to one host, those that wait for their turn too
 */
export function createHosts(
  fetch: GuardedFetch,
  { maxUnderway, now = Date.now }: { maxUnderway: number; now?: () => number },
): Hosts {
  const hosts = new LRUCache<string, Host>({ max: remembered })
  /** Of the URLs in documents; to read one takes as long as all else here. */
  const names = new LRUCache<string, string>({ max: remembered, memoMethod: hostIn })

  function hostOf(name: string): Host {
    let host = hosts.get(name)
    if (!host) {
      const breaker = createBreaker({
        what: `the server ${name}`,
        threshold: 5,
        firstPauseMs: 1_000,
        maxPauseMs: 30_000,
        now,
      })
      hosts.set(name, (host = { breaker, underway: 0, givenUp: undefined }))
    }
    return host
  }

  async function ask(
    url: URL,
    { signal, ...request }: AskOptions,
    onTurn: () => void,
  ): Promise<GuardedResponse> {
    const response = await fetch.get(url, { signal, ...request, onTurn }).catch((error: unknown) => {
      throw asTimeout(error, signal)
    })
    const { status } = response
    if (status >= 500 || status === 429) {
      throw new IdentityError('http_error', `the server fails; status=${status}; host=${url.host}`, {
        status,
        retryable: status >= 500,
      })
    }
    return response
  }

  return {
    async ask(url, options) {
      const host = hostOf(url.host)
      const { givenUp } = host
      /** Who has waited for a turn at a server that was given up meanwhile need not ask any more. */
      const stillAsked = (): void => {
        if (host.givenUp && host.givenUp !== givenUp) throw host.givenUp
      }
      host.underway++
      try {
        return await host.breaker.run(() => ask(url, options, stillAsked))
      } catch (error) {
        const wasSent = error instanceof IdentityError && error.code !== 'unavailable'
        if (wasSent && host.breaker.isOpen()) host.givenUp = giveUp(url.host, host.breaker)
        throw error
      } finally {
        host.underway--
      }
    },
    refusal(url) {
      const name = names.memo(url)
      const host = hosts.get(name)
      if (!host) return undefined
      const pausedMs = host.breaker.pausedMs()
      if (pausedMs === 0 && host.underway < maxUnderway) return undefined
      const why = pausedMs > 0 ? leftAlone : 'is asked too much'
      return {
        message: `the server ${name} ${why}`,
        retryAfterSeconds: Math.max(1, Math.ceil(pausedMs / 1_000)),
      }
    },
    paused: () => [...hosts.values()].filter(({ breaker }) => breaker.isOpen()).length,
  }
}

function giveUp(name: string, breaker: Breaker): IdentityError {
  const retryAfterMs = breaker.pausedMs()
  return new IdentityError('unavailable', `the server ${name} ${leftAlone}`, { retryAfterMs })
}

/** The host with its port. */
function hostIn(url: string): string {
  return URL.parse(url)?.host ?? ''
}

/** Our own clock running out is the host's slowness. */
function asTimeout(error: unknown, signal: AbortSignal): unknown {
  const isOurs = error instanceof IdentityError && error.code === 'aborted' && signal.aborted
  if (!isOurs || (signal.reason as Error | undefined)?.name !== 'TimeoutError') return error
  return new IdentityError('timeout', 'the server is too slow', { cause: error })
}
