import { joinBlocks, type LogBlock } from './block.ts'

/** One ordered log as a hub reads it: the newest part in memory, the rest wherever the service keeps it. */
export interface HubLog {
  /** Position of the newest entry that may be sent; 0 before the first. */
  readonly last: number
  /** Everything from this position on is kept; 0 while nothing was ever dropped. */
  readonly oldest: number
  /** The first block in memory that reaches `position`; undefined where the log is not in memory that far back. */
  inMemory(position: number): LogBlock | undefined
  /** The first block that reaches `position`, from wherever it is; undefined where there is none. */
  read(position: number): Promise<LogBlock | undefined>
}

/** Up to so many bytes blocks are joined: what a replay sends at one go. */
const joinedBytes = 512 * 1024

/**
 * The newest blocks of a log, in order, within a budget. What is not durable elsewhere yet is never dropped, whatever
 * the budget.
 */
export class RecentBlocks {
  #blocks: LogBlock[] = []
  #bytes = 0
  /** Everything from here on is in memory. */
  #floor: number
  #pinnedFrom: number
  /** What ends before here is joined. */
  #joinedTo = 0
  readonly #maxBytes: number

  /** `floor`: what is before it is kept elsewhere. Default 0: nothing is. */
  constructor(maxBytes: number, floor = 0) {
    this.#maxBytes = maxBytes
    this.#floor = floor
    this.#pinnedFrom = floor
  }

  get bytes(): number {
    return this.#bytes
  }

  push(block: LogBlock): void {
    this.#blocks.push(block)
    this.#bytes += block.frames.length
    this.#trim()
  }

  /** Lets blocks go that end before `position`, once the budget wants their place: they are kept elsewhere now. */
  releaseBefore(position: number): void {
    this.#pinnedFrom = Math.max(this.#pinnedFrom, position)
    this.#trim()
  }

  /**
   * Joins blocks that end before `position` to larger ones. A commit has a few events, and a block of a few costs as much
   * memory again for itself, and a write for each who replays it.
   */
  joinBefore(position: number): void {
    const end = this.#firstReaching(position)
    const start = Math.min(end, this.#firstReaching(this.#joinedTo))
    const joined: LogBlock[] = []
    let run: LogBlock[] = []
    let bytes = 0
    for (const block of this.#blocks.slice(start, end)) {
      if (run.length > 0 && bytes + block.frames.length > joinedBytes) {
        joined.push(run.length === 1 ? run[0]! : joinBlocks(run))
        run = []
        bytes = 0
      }
      run.push(block)
      bytes += block.frames.length
    }
    if (run.length > 0) joined.push(run.length === 1 ? run[0]! : joinBlocks(run))
    this.#blocks.splice(start, end - start, ...joined)
    this.#joinedTo = Math.max(this.#joinedTo, position)
  }

  /** The first block that reaches `position`, where everything from that position on is here. */
  find(position: number): LogBlock | undefined {
    return position < this.#floor ? undefined : this.#blocks[this.#firstReaching(position)]
  }

  #firstReaching(position: number): number {
    const blocks = this.#blocks
    let low = 0
    let high = blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (blocks[middle]!.last < position) low = middle + 1
      else high = middle
    }
    return low
  }

  #trim(): void {
    let dropped = 0
    while (
      dropped < this.#blocks.length - 1 &&
      this.#bytes > this.#maxBytes &&
      this.#blocks[dropped]!.last < this.#pinnedFrom
    ) {
      const block = this.#blocks[dropped++]!
      this.#bytes -= block.frames.length
      this.#floor = block.last + 1
    }
    if (dropped > 0) this.#blocks.splice(0, dropped)
  }
}
