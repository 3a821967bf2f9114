import { LRUCache } from 'lru-cache'

/** A share of something a second, for each client by its address. */
export interface RateLimiter {
  /**
   * Takes `amount` from the client's bucket, which may go below zero. Answers how long the client has to wait until it
   * is above zero again, milliseconds; 0 for go on.
   */
  take(client: string, amount: number): number
}

interface Bucket {
  tokens: number
  at: number
}

/** How many clients are remembered; of one that is forgotten the bucket is full again. */
const maxClients = 10_000

/**
 * Token buckets: `perSecond` flow in, up to `burst`. 0 means no limit. `now` answers milliseconds of a clock that nobody
 * sets: set back, it would keep clients waiting for as long.
 */
export function createRateLimiter(
  perSecond: number,
  burst = perSecond,
  now: () => number = () => performance.now(),
): RateLimiter {
  if (perSecond <= 0) return { take: () => 0 }
  const buckets = new LRUCache<string, Bucket>({ max: maxClients })
  return {
    take(client, amount) {
      const at = now()
      const bucket = buckets.get(client) ?? { tokens: burst, at }
      bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * perSecond) - amount
      bucket.at = at
      buckets.set(client, bucket)
      return bucket.tokens >= 0 ? 0 : Math.ceil((-bucket.tokens / perSecond) * 1000)
    },
  }
}

/** Counts what each client has open, against a limit; 0 means none. */
export class ClientCounter {
  #open = new Map<string, number>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Adds one for the client; false, and nothing added, where it has all it may. */
  tryAdd(client: string): boolean {
    const open = this.#open.get(client) ?? 0
    if (this.#max > 0 && open >= this.#max) return false
    this.#open.set(client, open + 1)
    return true
  }

  remove(client: string): void {
    const open = (this.#open.get(client) ?? 0) - 1
    if (open > 0) this.#open.set(client, open)
    else this.#open.delete(client)
  }
}
