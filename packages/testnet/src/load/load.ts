import { startProcess } from '../process.ts'
import type { LoadApi } from './load-process.ts'
import type { LoadOptions, LoadResult } from './types.ts'

/** Subscribers in a process of their own. */
export interface Load extends AsyncDisposable {
  /** Begins to count anew; answers what was counted before. */
  reset(): Promise<LoadResult>
  result(): Promise<LoadResult>
  /** Resolves when each subscriber of group i has `frames[i]` frames, or the time is over: what is missing was lost. */
  received(frames: readonly number[], timeoutMs: number): Promise<LoadResult>
}

/**
 * Connects many WebSocket subscribers from a process of their own, cheap enough not to be the limit of what they measure:
 * a million frames a second take it less than a core. Frames are counted by their headers, and each of `sampleEvery` is
 * looked into for its order and its latency, by the clock that both ends share. Permessage-deflate is not offered.
 * Resolves when all are connected.
 *
 * @throws (rejects) where the server refuses one of them
 */
export async function startLoad(options: LoadOptions): Promise<Load> {
  await using stack = new AsyncDisposableStack()
  const child = stack.use(startProcess<LoadApi>(new URL('./load-process.ts', import.meta.url)))
  await child.call('connect', options)
  const owned = stack.move()
  return {
    reset: () => child.call('reset'),
    result: () => child.call('result'),
    received: (frames, timeoutMs) => child.call('received', { frames, timeoutMs }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
