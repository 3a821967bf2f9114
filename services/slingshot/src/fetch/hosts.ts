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
  /** Servers that are left alone now, at the most as many as are remembered. */
  paused(): number
}

/** Of a server that is forgotten, nothing bad is known any more. */
const remembered = 5_000

/**
 * Puts a breaker before each host: one that fails five times in a row is left alone for a second, then for two, and so on
 * up to 30, so that a dead host costs those who ask for it, and nobody else, a quick refusal.
 */
export function createHosts(fetch: GuardedFetch, now: () => number = Date.now): Hosts {
  const breakers = new LRUCache<string, Breaker>({ max: remembered })

  function breakerOf(host: string): Breaker {
    let breaker = breakers.get(host)
    if (!breaker) {
      breaker = createBreaker({
        what: `the server ${host}`,
        threshold: 5,
        firstPauseMs: 1_000,
        maxPauseMs: 30_000,
        now,
      })
      breakers.set(host, breaker)
    }
    return breaker
  }

  return {
    ask: (url, { signal, headers, maxBytes }) =>
      breakerOf(url.host).run(async () => {
        const response = await fetch.get(url, { signal, headers, maxBytes }).catch((error: unknown) => {
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
      }),
    paused: () => [...breakers.values()].filter(breaker => breaker.isOpen()).length,
  }
}

/** Our own clock running out is the host's slowness. */
function asTimeout(error: unknown, signal: AbortSignal): unknown {
  const isOurs = error instanceof IdentityError && error.code === 'aborted' && signal.aborted
  if (!isOurs || (signal.reason as Error | undefined)?.name !== 'TimeoutError') return error
  return new IdentityError('timeout', 'the server is too slow', { cause: error })
}
