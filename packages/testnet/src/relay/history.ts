/** One frame that was sent, with the sequence number that a cursor is compared with. */
export interface Entry {
  readonly seq: number
  readonly bytes: Uint8Array
}

/** Whether a cursor names the last event that a client has (`>`), or the first that it wants (`>=`). */
export type CursorStyle = '>' | '>='

/**
 * What a relay can replay: the last frames, up to a limit. A position counts all frames ever added, so it stays right when
 * old ones are dropped.
 */
export class History {
  readonly #maxEntries: number
  /** The first `#head` of them were dropped: taking each out by itself would move all the others each time. */
  #entries: (Entry | undefined)[] = []
  #head = 0
  #start = 0
  #highestDropped = Number.NEGATIVE_INFINITY
  #latest = 0

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  /** The highest sequence number so far; 0 before the first frame. */
  get latest(): number {
    return this.#latest
  }

  /** The position of the oldest frame that is still there. */
  get start(): number {
    return this.#start
  }

  /** The position after the newest frame. */
  get end(): number {
    return this.#start + this.#length
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
    this.#latest = Math.max(this.#latest, entry.seq)
    while (this.#length > this.#maxEntries) this.#drop()
  }

  /** Drops the oldest frames up to the first whose number is `seq` or more. */
  forgetBefore(seq: number): void {
    for (;;) {
      const oldest = this.#entries[this.#head]
      if (!oldest || oldest.seq >= seq) return
      this.#drop()
    }
  }

  at(position: number): Entry | undefined {
    return position < this.#start ? undefined : this.#entries[this.#head + position - this.#start]
  }

  /** Where a client with this cursor goes on: the position of the first frame that it lacks. */
  positionAfter(cursor: number, style: CursorStyle): number {
    for (let position = this.#start; position < this.end; position++) {
      const { seq } = this.at(position)!
      if (style === '>' ? seq > cursor : seq >= cursor) return position
    }
    return this.end
  }

  /** Whether frames that a client with this cursor lacks were already dropped. */
  isOutdated(cursor: number, style: CursorStyle): boolean {
    return style === '>' ? this.#highestDropped > cursor : this.#highestDropped >= cursor
  }

  get #length(): number {
    return this.#entries.length - this.#head
  }

  #drop(): void {
    const dropped = this.#entries[this.#head]
    if (!dropped) return
    this.#entries[this.#head++] = undefined
    this.#start++
    this.#highestDropped = Math.max(this.#highestDropped, dropped.seq)
    if (this.#head < this.#length) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }
}
