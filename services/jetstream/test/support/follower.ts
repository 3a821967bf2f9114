import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Subscription, type SubscriptionOptions } from './subscription.ts'

/** A subscriber that comes back whenever its connection ends, and goes on behind what it has. */
export interface Follower extends AsyncDisposable {
  /** Its connections, the last of which may still be going on. */
  readonly subscriptions: readonly Subscription[]
  /** How much it has received, over all of them. */
  readonly received: number
}

/** Starts one, from the oldest event on. `url` answers where to connect, undefined for nowhere now. */
export function follow(
  url: () => string | undefined,
  options: Omit<SubscriptionOptions, 'url' | 'begin'>,
): Follower {
  const subscriptions: Subscription[] = []
  const stop = new AbortController()

  async function run(): Promise<void> {
    for (let begin = 0; !stop.signal.aborted;) {
      const next = await connect(begin)
      if (!next) await sleep(10)
      else {
        subscriptions.push(next)
        if (stop.signal.aborted) next.cut()
        await once(next.socket, 'close')
        begin = next.reached ?? begin
      }
    }
  }

  /** Undefined where nobody answers. */
  async function connect(begin: number): Promise<Subscription | undefined> {
    const at = url()
    if (at === undefined) return undefined
    const subscription = new Subscription({ ...options, url: at, begin })
    try {
      return await subscription.opened()
    } catch {
      subscription.cut()
      return undefined
    }
  }

  const running = run()
  return {
    subscriptions,
    get received() {
      return subscriptions.reduce((sum, { lines }) => sum + lines.length, 0)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      subscriptions.at(-1)?.cut()
      await running
    },
  }
}
