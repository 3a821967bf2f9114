import { setTimeout as sleep } from 'node:timers/promises'

export interface WaitOptions {
  /** Gives up after this long. Default 10,000. */
  readonly timeoutMs?: number
  /** How often to look. Default 5. */
  readonly everyMs?: number
  /** What is waited for, for the message of the error. */
  readonly what?: string
}

/**
 * Waits until `look` answers something other than `undefined`, `false` or `null`, and answers that.
 *
 * @throws Error when the time is up, naming what was waited for; whatever `look` throws.
 */
export async function waitFor<T>(
  look: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 5, what = 'the condition' }: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== null && seen !== false) {
      return seen as Exclude<T, undefined | null | false>
    }
    if (performance.now() > deadline) throw timedOut(what, timeoutMs)
    await sleep(everyMs)
  }
}

/** Settles as `promise` does, or rejects when it has not settled in time. */
export async function within<T>(promise: Promise<T>, what: string, timeoutMs = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut(what, timeoutMs)), timeoutMs)
  })
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

function timedOut(what: string, timeoutMs: number): Error {
  return new Error(`timed out waiting for ${what}; timeoutMs=${timeoutMs}`)
}
