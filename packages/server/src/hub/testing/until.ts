import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `look` answers something else than undefined or false, and answers that. */
export async function until<T>(look: () => T | undefined | false, timeoutMs = 10_000): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const seen = look()
    if (seen !== undefined && seen !== false) return seen
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${String(look)}`)
    await sleep(2)
  }
}
