import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until so many bytes may pass. */
export type Limit = (bytes: number) => Promise<void>

/** At most so many bytes a second on average, in all that go through it; any number where none is given. */
export function createLimit(bytesPerSecond: number | undefined, signal?: AbortSignal): Limit {
  if (bytesPerSecond === undefined) return async () => {}
  let freeAt = 0
  return async bytes => {
    const now = performance.now()
    const startsAt = Math.max(now, freeAt)
    freeAt = startsAt + (bytes * 1000) / bytesPerSecond
    if (startsAt > now) await sleep(startsAt - now, undefined, { ...(signal && { signal }) })
  }
}
