import type { Database } from '@orrery/storage'

/**
 * One read transaction for all that is read in a turn of the event loop: to begin and end one takes five times as long as
 * to read a count.
 */
export class Snapshot {
  readonly #db: Database
  readonly #begin
  readonly #end
  #isOpen = false

  constructor(db: Database) {
    this.#db = db
    this.#begin = db.prepare('BEGIN')
    this.#end = db.prepare('COMMIT')
  }

  /** Reads: every statement sees the same state, which is that of the first since the last `release`. */
  read<T>(work: () => T): T {
    if (!this.#isOpen) {
      this.#begin.run()
      this.#isOpen = true
      setImmediate(() => this.release())
    }
    return work()
  }

  /** What is read from here on sees all that was committed till now. */
  release(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    // Some errors end the transaction by themselves.
    if (this.#db.open && this.#db.inTransaction) this.#end.run()
  }
}
