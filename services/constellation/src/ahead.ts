/**
 * Calls that are made before those ahead of them are done, up to what they weigh together: who makes them goes on meanwhile,
 * and who does them need not wait for the next one.
 */
export class Ahead {
  readonly #max: number
  readonly #calls = new Set<Promise<void>>()
  #weight = 0
  #failure: { error: unknown } | undefined

  constructor(max: number) {
    this.#max = max
  }

  /**
   * Waits until another call may be made, whatever it weighs.
   *
   * @throws what the first one failed with
   */
  async room(): Promise<void> {
    while (!this.#failure && this.#weight >= this.#max) await Promise.race(this.#calls)
    if (this.#failure) throw this.#failure.error
  }

  add(call: Promise<void>, weight: number): void {
    this.#weight += weight
    const done = this.#follow(call).finally(() => {
      this.#weight -= weight
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
