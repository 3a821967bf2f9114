import type { FirehoseEvent } from './events.ts'

/**
 * Events on their way to the consumer, and the wake-up between the two. Producers look at `full` and wait for `room`, so
 * that a slow consumer slows the sources down and costs no memory.
 */
export class Outbox {
  #events: FirehoseEvent[] = []
  #bytes = 0
  #touched = false
  #waitingSince: number | undefined
  #consumer: (() => void) | undefined
  #producers: (() => void)[] = []
  readonly #maxBytes: number
  readonly #maxEvents: number

  constructor(options: { maxEvents: number; maxBytes: number }) {
    this.#maxEvents = options.maxEvents
    this.#maxBytes = options.maxBytes
  }

  get length(): number {
    return this.#events.length
  }

  get full(): boolean {
    return this.#events.length >= this.#maxEvents || this.#bytes >= this.#maxBytes
  }

  /** Since when the oldest event has been here, milliseconds since 1970; undefined where there is none. */
  get waitingSince(): number | undefined {
    return this.#waitingSince
  }

  push(event: FirehoseEvent): void {
    this.#events.push(event)
    this.#waitingSince ??= Date.now()
    if (event.kind === 'commit') for (const op of event.ops) this.#bytes += op.record?.length ?? 0
    this.touch()
  }

  /** Wakes the consumer, also where there is no event but a position to save. */
  touch(): void {
    this.#touched = true
    this.#consumer?.()
    this.#consumer = undefined
  }

  /** Resolves when there is something to take, or the signal aborts. */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#touched || signal.aborted) return
    await new Promise<void>(resolve => {
      const onAbort = (): void => resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      this.#consumer = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
    })
  }

  take(): FirehoseEvent[] {
    const taken = this.#events
    this.#events = []
    this.#bytes = 0
    this.#touched = false
    this.#waitingSince = undefined
    for (const resume of this.#producers) resume()
    this.#producers = []
    return taken
  }

  /** Resolves once the consumer took what was here, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.full && !signal.aborted) {
      await new Promise<void>(resolve => {
        const onAbort = (): void => resolve()
        signal.addEventListener('abort', onAbort, { once: true })
        this.#producers.push(() => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        })
      })
    }
  }
}
