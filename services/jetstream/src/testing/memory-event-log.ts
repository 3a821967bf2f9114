import type { Progress } from '@orrery/firehose'
import type { LogBlock } from '@orrery/server'
import type { EncodedEvents } from '../encode.ts'
import type { EventLog } from '../store.ts'
import { segmentAt } from '../store/segments.ts'
import { blockFrom } from './make-events.ts'

/** The event log as a list: what the one on disk must do, in the fewest words. */
export class MemoryEventLog implements EventLog {
  last = 0
  oldest = 0
  progress: Progress[] = []
  #blocks: LogBlock[] = []

  get memoryBytes(): number {
    return this.#blocks.reduce((sum, block) => sum + block.frames.length, 0)
  }

  inMemory(position: number): LogBlock | undefined {
    return this.#blocks.find(block => block.last >= position)
  }

  async read(position: number): Promise<LogBlock | undefined> {
    return this.inMemory(position)
  }

  async append(events: EncodedEvents, progress: Progress): Promise<void> {
    await Promise.resolve()
    this.progress.push(progress)
    if (events.ends.length === 0) return
    const block = blockFrom(events)
    this.#blocks.push(block)
    this.last = block.last
  }

  async retain(beforeUs: number): Promise<{ removed: string[]; bytes: number }> {
    const hours = Map.groupBy(this.#blocks, block => segmentAt('', block.first).name)
    const removed: string[] = []
    for (const [name] of [...hours].slice(0, -1)) {
      const next = [...hours.keys()].find(hour => hour > name)!
      if (Date.parse(`${next}:00:00Z`) * 1000 > beforeUs) break
      removed.push(name)
      hours.delete(name)
    }
    this.#blocks = [...hours.values()].flat()
    if (removed.length > 0) this.oldest = this.#blocks[0]!.first
    return { removed, bytes: this.memoryBytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
