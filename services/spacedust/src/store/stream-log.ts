import { type HubLog, type LogBlock, RecentBlocks } from '@orrery/server'
import { blockFor, letEntriesGo } from '../block.ts'
import type { LinkEntry, Stream } from '../entry.ts'

export interface StreamLogOptions {
  stream: Stream
  /** Memory for the newest blocks, bytes. */
  recentBytes: number
  /** Everything up to here is sealed, and what is behind it is going to be pushed. */
  sealedUs: number
  /** The newest of it that the stream shows. */
  shownUs: number
  oldestUs: () => number
  /** Some entries from the first that reaches a position, from disk; `lastUs` is where they end. */
  readStored: (positionUs: number) => Promise<{ entries: LinkEntry[]; lastUs: number } | undefined>
}

/** Of about so many of the newest links filters find the entries as they are: until those who are there have asked. */
const freshEntries = 256

/** The log as one of the streams has it: what a hub reads. */
export class StreamLog implements HubLog {
  #options: StreamLogOptions
  #recent: RecentBlocks
  #last = 0
  #fresh: LogBlock[] = []
  #freshCount = 0

  constructor(options: StreamLogOptions) {
    const { recentBytes, sealedUs, shownUs } = options
    this.#options = options
    this.#last = shownUs
    this.#recent = new RecentBlocks(recentBytes, sealedUs === 0 ? 0 : sealedUs + 1)
  }

  get last(): number {
    return this.#last
  }

  get oldest(): number {
    return this.#options.oldestUs()
  }

  get memoryBytes(): number {
    return this.#recent.bytes
  }

  /** Adds what comes next and is on disk, as far as the stream shows it. True where it shows any of it. */
  push(entries: readonly LinkEntry[]): boolean {
    const block = blockFor(this.#options.stream, entries)
    if (!block) return false
    this.#recent.push(block)
    this.#recent.releaseBefore(block.last + 1)
    this.#last = block.last
    this.#fresh.push(block)
    this.#freshCount += block.count
    while (this.#freshCount - this.#fresh[0]!.count >= freshEntries) {
      const old = this.#fresh.shift()!
      this.#freshCount -= old.count
      letEntriesGo(old)
    }
    return true
  }

  inMemory(position: number): LogBlock | undefined {
    return this.#recent.find(position)
  }

  async read(position: number): Promise<LogBlock | undefined> {
    for (let at = position; at <= this.#last;) {
      const known = this.#recent.find(at)
      if (known) return known
      const stored = await this.#options.readStored(at)
      if (!stored) return undefined
      // A stream may not be that far yet.
      const block = blockFor(
        this.#options.stream,
        stored.entries.filter(({ timeUs }) => timeUs >= at && timeUs <= this.#last),
      )
      if (block) return block
      at = stored.lastUs + 1
    }
    return undefined
  }
}
