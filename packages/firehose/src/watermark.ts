/** A frame between its arrival and its end, whatever that is. */
export interface Mark {
  readonly cursor: number
  /** Upstream's time of it, as sent. */
  readonly time: string
  done: boolean
}

/**
 * How far a source is done with: the position up to which every frame has ended, in the order they came. Frames end in
 * any order; a position is passed only when all before it have.
 */
export class Watermark {
  #open: Mark[] = []
  #head = 0
  #reached: Mark | undefined
  #newest: Mark | undefined

  /** Adds the next frame. */
  add(cursor: number, time: string): Mark {
    const mark = { cursor, time, done: false }
    this.#open.push(mark)
    this.#newest = mark
    return mark
  }

  /** The frame that was added last. */
  get newest(): Mark | undefined {
    return this.#newest
  }

  /** The first frame that is not done, if any. */
  get oldestOpen(): Mark | undefined {
    this.advance()
    return this.#open[this.#head]
  }

  /** Passes what is done, and answers the last frame passed since the start, if any. */
  advance(): Mark | undefined {
    while (this.#head < this.#open.length && this.#open[this.#head]!.done) {
      this.#reached = this.#open[this.#head++]!
    }
    if (this.#head > 1024 && this.#head * 2 > this.#open.length) {
      this.#open = this.#open.slice(this.#head)
      this.#head = 0
    }
    return this.#reached
  }
}
