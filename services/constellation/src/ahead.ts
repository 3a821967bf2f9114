/**
 * Calls that are made before those ahead of them are done, up to so many: who makes them goes on meanwhile, and who does them
 * need not wait for the next one.
 */
export class Ahead {
  readonly #max: number
  readonly #calls = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor(max: number) {
    this.#max = max
  }

  /**
   * Waits until another call may be made.
   *
   * @throws what the first one failed with
   */
  async room(): Promise<void> {
    while (!this.#failure && this.#calls.size >= this.#max) await Promise.race(this.#calls)
    if (this.#failure) throw this.#failure.error
  }

  add(call: Promise<void>): void {
    const done = this.#follow(call).finally(() => {
      this.#calls.delete(done)
    })
    this.#calls.add(done)
  }

  async #follow(call: Promise<void>): Promise<void> {
    try {
      await call
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  /** Waits until all are done, whatever became of them. */
  async settled(): Promise<void> {
    await Promise.all(this.#calls)
  }

  /**
   * Waits until all are done.
   *
   * @throws what the first one failed with
   */
  async done(): Promise<void> {
    await this.settled()
    if (this.#failure) throw this.#failure.error
  }
}
