import type { Database } from '@orrery/storage'
import type { Version } from './version.ts'

/**
 * One read transaction for all that is read in a turn of the event loop: to begin and end one takes five times as long as
 * to read a count.
 */
export class Snapshot {
  readonly #db: Database
  readonly #begin
  readonly #end
  readonly #current: Version | undefined
  #isOpen = false
  #version: number | undefined

  /** `version` is what the writer counts its commits by, if that is to be known. */
  constructor(db: Database, version?: Version) {
    this.#db = db
    this.#current = version
    this.#begin = db.prepare('BEGIN')
    this.#end = db.prepare('COMMIT')
  }

  /** Of the state that is read, or an earlier one: it is taken before the first statement. */
  get version(): number | undefined {
    return this.#isOpen ? this.#version : this.#current?.now
  }

  /** Reads: every statement sees the same state, which is that of the first since the last `release`. */
  read<T>(work: () => T): T {
    if (!this.#isOpen) {
      this.#version = this.#current?.now
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
