import { IdentityError } from '../errors.ts'

/** An abort signal with a time limit. Dispose it when the work is done, or its timer and listeners stay. */
export type Deadline = Disposable & {
  readonly signal: AbortSignal
  /** Starts the clock: after `timeoutMs` the signal aborts with an {@link IdentityError} `timeout`. */
  start(timeoutMs: number): void
}

/**
 * Makes a signal that aborts with `aborted` as soon as one of `signals` does, and with `timeout` some time after `start`.
 * Its reason is always an {@link IdentityError}. Unlike `AbortSignal.any`, it leaves nothing behind on a long-lived signal.
 */
export function createDeadline(...signals: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const links = signals.map(signal => signal && onAbort(signal, error => controller.abort(error)))
  return {
    signal: controller.signal,
    start(timeoutMs) {
      clearTimeout(timer)
      timer = setTimeout(() => {
        controller.abort(new IdentityError('timeout', `no complete answer within ${timeoutMs} ms`))
      }, timeoutMs)
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const link of links) link?.[Symbol.dispose]()
    },
  }
}

/**
 * Answers what `promise` answers, or rejects with `aborted` as soon as `signal` aborts. The work behind the promise goes
 * on: others may wait for it.
 *
 * @throws {IdentityError} `aborted`
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const link = onAbort(signal, reject)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    link[Symbol.dispose]()
  }
}

/** Calls `listener` once, with the {@link abortReason}, when the signal aborts, or at once if it has. */
export function onAbort(signal: AbortSignal, listener: (error: IdentityError) => void): Disposable {
  const fire = (): void => listener(abortReason(signal))
  if (signal.aborted) fire()
  else signal.addEventListener('abort', fire, { once: true })
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', fire) }
}

/** Why a signal aborted: its own reason if that is ours, else `aborted` with the reason as cause. */
export function abortReason(signal: AbortSignal): IdentityError {
  const reason: unknown = signal.reason
  if (reason instanceof IdentityError) return reason
  return new IdentityError('aborted', 'the request was aborted', { cause: reason })
}
