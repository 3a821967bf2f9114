/** A frame between its arrival and its end, whatever that is. */
export interface Mark {
  /** Counts from 1, in the order of arrival. */
  readonly index: number
  readonly cursor: number
  /** Upstream's time of it; the one before it where it gives none. */
  readonly time: string
  /** When it came, milliseconds since 1970. */
  readonly arrivedAt: number
  done: boolean
}

/** From how many marks on those that nobody needs are taken out. */
const tidyFrom = 1024

/**
 * How far a source is done with: the position up to which every frame has ended, in the order they came. Frames end in
 * any order; a position is passed only when all before it have.
 *
 * What it keeps is bounded by the frames that are open, however long one of them takes and whatever ends behind it.
 */
export class Watermark {
  #marks: Mark[] = []
  #head = 0
  #tidyAt = tidyFrom
  #reached: Mark | undefined
  #newest: Mark | undefined
  #count = 0

  /** Adds the next frame. */
  add(cursor: number, time: string, arrivedAt = Date.now()): Mark {
    const mark = { index: ++this.#count, cursor, time, arrivedAt, done: false }
    if (this.#marks.length >= this.#tidyAt) this.#tidy()
    this.#marks.push(mark)
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
    return this.#marks[this.#head]
  }

  /** How many marks are kept. */
  get kept(): number {
    return this.#marks.length
  }

  /** Passes what is done, and answers the last frame passed since the start, if any. */
  advance(): Mark | undefined {
    while (this.#head < this.#marks.length && this.#marks[this.#head]!.done) {
      this.#reached = this.#marks[this.#head++]!
    }
    return this.#reached
  }

  /** Lets go of what was passed, and of a done mark behind an open one where the next is done too: one stands for both. */
  #tidy(): void {
    this.advance()
    const marks = this.#marks.slice(this.#head)
    this.#head = 0
    this.#marks = marks.filter((mark, i) => !(mark.done && marks[i + 1]?.done))
    // Twice what is left, so that each mark is looked at a few times and not each time.
    this.#tidyAt = Math.max(tidyFrom, this.#marks.length * 2)
  }
}
