import { type HubLog, type LogBlock, RecentBlocks } from '@orrery/server'
import { blockFor, type LinkEntry, type Stream } from '../entry.ts'

export interface StreamLogOptions {
  stream: Stream
  /** Memory for the newest blocks, bytes. */
  recentBytes: number
  /** Everything up to here is sealed. */
  sealedUs: number
  /** The newest of it that the stream shows. */
  shownUs: number
  oldestUs: () => number
  /** The first sealed block that reaches a position, from disk. */
  readSealed: (positionUs: number) => Promise<{ entries: LinkEntry[]; lastUs: number } | undefined>
}

/** The log as one of the streams has it: what a hub reads. */
export class StreamLog implements HubLog {
  #options: StreamLogOptions
  #recent: RecentBlocks
  #sealedUs: number
  #last = 0

  constructor(options: StreamLogOptions) {
    const { recentBytes, sealedUs, shownUs } = options
    this.#options = options
    this.#sealedUs = sealedUs
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

  /** Adds what comes next, as far as the stream shows it. True where it shows any of it. */
  push(entries: readonly LinkEntry[]): boolean {
    const block = blockFor(this.#options.stream, entries)
    if (!block) return false
    this.#recent.push(block)
    this.#last = block.last
    return true
  }

  /** Says that everything up to here is sealed now. */
  sealed(sealedUs: number): void {
    this.#sealedUs = sealedUs
    this.#recent.releaseBefore(sealedUs + 1)
  }

  inMemory(position: number): LogBlock | undefined {
    return this.#recent.find(position)
  }

  async read(position: number): Promise<LogBlock | undefined> {
    for (let at = position; ;) {
      const known = this.#recent.find(at)
      if (known) return known
      const sealed = await this.#options.readSealed(at)
      // Nothing of it shows behind what is sealed: what comes next is in memory.
      if (!sealed) return this.#recent.find(this.#sealedUs + 1)
      // A delayed stream may not be that far yet.
      const block = blockFor(
        this.#options.stream,
        sealed.entries.filter(({ timeUs }) => timeUs >= at && timeUs <= this.#last),
      )
      if (block) return block
      at = sealed.lastUs + 1
    }
  }
}
