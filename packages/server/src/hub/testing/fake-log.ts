import { setTimeout as sleep } from 'node:timers/promises'
import type { LogBlock } from '../block.ts'
import { type HubLog, RecentBlocks } from '../log.ts'
import { blockOf, type Entry } from './entries.ts'

export interface FakeLogOptions {
  /** Budget of the part in memory; default without end. */
  recentBytes?: number
  /** How many blocks become one on disk, as sealing does; default 1. What is not sealed stays in memory. */
  blocksOnDisk?: number
  /** How long a read from disk takes, milliseconds, by its number; default none. */
  readMs?: (read: number) => number
}

/**
 * A log in memory that plays the other part of it on disk: asynchronous, and cut into other blocks than the part in memory.
 * `retain`, `fail` and `hold` make trouble.
 */
export class FakeLog implements HubLog {
  entries: Entry[] = []
  reads = 0
  oldest = 0
  /** What the next reads reject with. */
  fail: Error | undefined
  /** Reads wait for this. */
  hold: Promise<void> = Promise.resolve()
  readonly #options: FakeLogOptions
  readonly #recent: RecentBlocks
  #disk: LogBlock[] = []
  #tail: Entry[][] = []

  constructor(options: FakeLogOptions = {}) {
    this.#options = options
    this.#recent = new RecentBlocks(options.recentBytes ?? Number.POSITIVE_INFINITY)
  }

  get last(): number {
    return this.entries.at(-1)?.position ?? 0
  }

  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return
    this.entries.push(...entries)
    this.#recent.push(blockOf(entries))
    this.#tail.push([...entries])
    if (this.#tail.length >= (this.#options.blocksOnDisk ?? 1)) {
      const sealed = blockOf(this.#tail.flat())
      this.#disk.push(sealed)
      this.#tail = []
      this.#recent.releaseBefore(sealed.last + 1)
    }
  }

  /** Drops blocks on disk that end before a position. What is in memory of them is not looked at any more. */
  retain(position: number): void {
    this.#disk = this.#disk.filter(block => block.last >= position)
    this.oldest = position
  }

  inMemory(position: number): LogBlock | undefined {
    return this.#recent.find(position)
  }

  async read(position: number): Promise<LogBlock | undefined> {
    const read = this.reads++
    const ms = this.#options.readMs?.(read) ?? 0
    await this.hold
    if (ms > 0) await sleep(ms)
    if (this.fail) throw this.fail
    return this.#disk.find(block => block.last >= position)
  }
}
