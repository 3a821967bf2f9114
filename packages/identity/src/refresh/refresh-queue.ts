import { LRUCache } from 'lru-cache'

/** What {@link createRefreshQueue} needs; the rest has defaults. */
export type RefreshQueueOptions = {
  /** Does the work for a key. Should have a time limit of its own; after `maxRunMs` it is no longer waited for. */
  refresh: (key: string) => Promise<unknown>
  /** Whom the work burdens: one group takes no more than its share. */
  groupOf: (key: string) => string
  /** Refreshes at a time in all. Default 16. */
  concurrency?: number | undefined
  /** Refreshes at a time for one group. Default 2. */
  perGroup?: ((group: string) => number) | undefined
  /** Keys that may wait. Default 10,000; the next is refused. */
  maxQueued?: number | undefined
  /** Keys of one group that may wait. Default 2,000. */
  maxPerGroup?: number | undefined
  /** How long a key is not taken again after its first failure, in milliseconds; doubles with each in a row. Default 5,000. */
  firstPauseMs?: number | undefined
  /** Where the doubling ends. Default 30 minutes. */
  maxPauseMs?: number | undefined
  /** Default 30,000 milliseconds. */
  maxRunMs?: number | undefined
  now?: (() => number) | undefined
}

/** Work that nobody waits for, each key once, in turns of groups. */
export type RefreshQueue = Disposable & {
  /**
   * Takes a key in. False where it waits or runs already, failed lately, or there is no room.
   *
   * @param again of a key that runs: do it once more then, because what it reads has changed since it began
   */
  add(key: string, again?: boolean): boolean
  stats(): RefreshQueueStats
}

/** Counters since the start; `queued` and `running` are of now. */
export type RefreshQueueStats = {
  queued: number
  running: number
  done: number
  failed: number
  /** Not taken for want of room. */
  refused: number
}

type Pause = { until: number; ms: number }

/**
 * Makes a {@link RefreshQueue}. A key leaves the queue before its work begins and comes back only by `add`, and a group
 * whose places are taken is passed over: whatever one key or one group does, the others get their turn.
 */
export function createRefreshQueue(options: RefreshQueueOptions): RefreshQueue {
  const { refresh, groupOf, concurrency = 16, perGroup = () => 2, now = Date.now } = options
  const { maxQueued = 10_000, maxPerGroup = 2_000, maxRunMs = 30_000 } = options
  const { firstPauseMs = 5_000, maxPauseMs = 30 * 60_000 } = options
  /** Keys that wait, by group, in the order in which groups get their turns. */
  const waiting = new Map<string, Set<string>>()
  const running = new Map<string, number>()
  const underway = new Set<string>()
  /** Of these, the ones to do once more. */
  const again = new Set<string>()
  const pauses = new LRUCache<string, Pause>({ max: 50_000 })
  const counts = { queued: 0, done: 0, failed: 0, refused: 0 }
  let closed = false

  function next(): string | undefined {
    for (const [group, keys] of waiting) {
      if ((running.get(group) ?? 0) >= perGroup(group)) continue
      const [key] = keys
      keys.delete(key!)
      counts.queued -= 1
      // To the end of the line, behind all other groups.
      waiting.delete(group)
      if (keys.size > 0) waiting.set(group, keys)
      return key
    }
    return undefined
  }

  function startSome(): void {
    // Nothing waits in a queue that is closed.
    while (underway.size < concurrency) {
      const key = next()
      if (key === undefined) return
      void run(key)
    }
  }

  async function run(key: string): Promise<void> {
    const group = groupOf(key)
    underway.add(key)
    running.set(group, (running.get(group) ?? 0) + 1)
    const { promise: tooLong, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error('the refresh takes too long')), maxRunMs).unref()
    try {
      await Promise.race([refresh(key), tooLong])
      counts.done += 1
      pauses.delete(key)
    } catch {
      counts.failed += 1
      const ms = Math.min((pauses.get(key)?.ms ?? firstPauseMs / 2) * 2, maxPauseMs)
      pauses.set(key, { until: now() + ms, ms })
    } finally {
      clearTimeout(timer)
      underway.delete(key)
      const left = (running.get(group) ?? 1) - 1
      if (left > 0) running.set(group, left)
      else running.delete(group)
      if (again.delete(key)) add(key)
      startSome()
    }
  }

  function add(key: string, isChanged = false): boolean {
    const group = groupOf(key)
    const keys = waiting.get(group)
    if (isChanged && underway.has(key)) again.add(key)
    if (closed || underway.has(key) || keys?.has(key) || (pauses.get(key)?.until ?? 0) > now()) return false
    if (counts.queued >= maxQueued || (keys?.size ?? 0) >= maxPerGroup) {
      counts.refused += 1
      return false
    }
    if (keys) keys.add(key)
    else waiting.set(group, new Set([key]))
    counts.queued += 1
    startSome()
    return true
  }

  return {
    add,
    stats: () => ({ ...counts, running: underway.size }),
    [Symbol.dispose]() {
      closed = true
      waiting.clear()
      counts.queued = 0
    },
  }
}
