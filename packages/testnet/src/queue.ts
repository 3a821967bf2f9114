/**
 * A first-in, first-out queue between one producer and one consumer, of bounded size: when nobody reads, the oldest
 * entries are dropped and counted. `for await` ends when the queue is closed and empty.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #maxEntries: number
  readonly #entries: T[] = []
  readonly #waiting: ((result: IteratorResult<T, undefined>) => void)[] = []
  #closed = false
  #dropped = 0

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  /** How many entries went unread because the queue was full. */
  get dropped(): number {
    return this.#dropped
  }

  push(entry: T): void {
    const reader = this.#waiting.shift()
    if (reader) return reader({ done: false, value: entry })
    this.#entries.push(entry)
    if (this.#entries.length > this.#maxEntries) {
      this.#entries.shift()
      this.#dropped++
    }
  }

  /** No more entries will come; what is in the queue can still be read. */
  close(): void {
    this.#closed = true
    for (const reader of this.#waiting.splice(0)) reader({ done: true, value: undefined })
  }

  /** The next entry, waiting for it if there is none yet; `done` once the queue is closed and empty. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#entries.length > 0) return Promise.resolve({ done: false, value: this.#entries.shift() as T })
    if (this.#closed) return Promise.resolve({ done: true, value: undefined })
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.next() }
  }
}
