/**
 * Counts commits, in memory that the writer shares with who reads in another thread: an odd number while one is being made.
 * So who reads knows without asking the file whether anything changed.
 */
export class Version {
  /** What another thread makes its own of. */
  readonly shared: SharedArrayBuffer
  readonly #count: Int32Array

  constructor(shared = new SharedArrayBuffer(4)) {
    this.shared = shared
    this.#count = new Int32Array(shared)
  }

  /** The state that whoever begins to read now sees, or a later one; undefined while it changes. */
  get now(): number | undefined {
    const count = Atomics.load(this.#count, 0)
    return count % 2 === 0 ? count : undefined
  }

  /** Makes a commit. */
  during<T>(commit: () => T): T {
    Atomics.add(this.#count, 0, 1)
    try {
      return commit()
    } finally {
      Atomics.add(this.#count, 0, 1)
    }
  }
}
