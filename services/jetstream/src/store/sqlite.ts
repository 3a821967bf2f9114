import type { Progress } from '@orrery/firehose'
import { blockOfFrames, createBlock, type LogBlock, RecentBlocks } from '@orrery/server'
import { lazyThread, startThread, type StorageError, type Thread } from '@orrery/storage'
import { LRUCache } from 'lru-cache'
import type { EncodedEvents } from '../encode.ts'
import type { EventLog } from '../store.ts'
import { blockOf } from './block.ts'
import type { ReaderThreadApi } from './reader-thread.ts'
import type { Opened, WriterApi, WriterOptions } from './writer.ts'

export interface SqliteEventLogOptions extends WriterOptions {
  /** Memory for the newest blocks, bytes. */
  recentBytes: number
  /** Memory for blocks that replays read, bytes. */
  replayBytes: number
  /** Called when a thread of the log dies: own state is broken, and the process must stop. */
  onFailure: (error: StorageError) => void
  /** Told when housekeeping fails although no event is at risk. */
  onProblem: (problem: string) => void
}

/** Opens the log in a folder: a writer in its own thread, a reader in another, the newest blocks in memory. */
export async function openSqliteEventLog(options: SqliteEventLogOptions): Promise<EventLog> {
  const { folder, durability, limits, onFailure } = options
  await using cleanUp = new AsyncDisposableStack()
  const writer: Thread<WriterApi> = cleanUp.use(
    await startThread<WriterApi>(new URL('./writer-thread.ts', import.meta.url), {
      name: 'log-writer',
      workerData: { folder, durability, limits } satisfies WriterOptions,
      onFailure,
    }),
  )
  // Live subscribers are served from memory.
  const reader: Thread<ReaderThreadApi> = cleanUp.use(
    lazyThread<ReaderThreadApi>(new URL('./reader-thread.ts', import.meta.url), {
      name: 'log-reader',
      workerData: folder,
      onFailure,
    }),
  )
  const opened = await writer.call('opened')
  return new SqliteEventLog(options, opened, writer, reader, cleanUp.move())
}

class SqliteEventLog implements EventLog {
  #last: number
  #oldest: number
  #recent: RecentBlocks
  /** Blocks read from disk, by the position of their first event. */
  #replayed: LRUCache<number, LogBlock>
  /** Which of them was found for a position: whoever reads on from the block before asks for the same one. */
  #found = new LRUCache<number, number>({ max: 4096 })
  #reading = new Map<number, Promise<LogBlock | undefined>>()
  /** Settles when no retention is under way. */
  #retaining: Promise<unknown> = Promise.resolve()
  #writer: Thread<WriterApi>
  #reader: Thread<ReaderThreadApi>
  #owned: AsyncDisposableStack
  #onProblem: (problem: string) => void

  constructor(
    options: SqliteEventLogOptions,
    { last, oldest, sealed, tail }: Opened,
    writer: Thread<WriterApi>,
    reader: Thread<ReaderThreadApi>,
    owned: AsyncDisposableStack,
  ) {
    this.#writer = writer
    this.#reader = reader
    this.#owned = owned
    this.#onProblem = options.onProblem
    this.#replayed = new LRUCache({
      maxSize: Math.max(1, options.replayBytes),
      sizeCalculation: block => block.frames.length + block.count * 16,
    })
    this.#last = last
    this.#oldest = oldest
    this.#recent = new RecentBlocks(options.recentBytes, sealed === 0 ? 0 : sealed + 1)
    for (const pack of tail) this.#recent.push(blockOf(asBuffer(pack)))
  }

  get last(): number {
    return this.#last
  }

  get oldest(): number {
    return this.#oldest
  }

  get memoryBytes(): number {
    return this.#recent.bytes + this.#replayed.calculatedSize
  }

  inMemory(position: number): LogBlock | undefined {
    return this.#recent.find(position) ?? this.#findReplayed(position)
  }

  async read(position: number): Promise<LogBlock | undefined> {
    const known = this.inMemory(position)
    if (known) return known
    // Subscribers that replay side by side ask for the same block at about the same time.
    const underway = this.#reading.get(position)
    if (underway) return underway
    const reading = this.#readSealed(position).finally(() => this.#reading.delete(position))
    this.#reading.set(position, reading)
    return reading
  }

  async append(events: EncodedEvents, progress: Progress): Promise<void> {
    const { bytes, ends, positions } = events
    const count = ends.length
    const first = count > 0 ? positions[0]! : 0
    const last = count > 0 ? positions[count - 1]! : 0
    const { sealed, problem } = await this.#writer.call('append', { bytes, ends, first, last }, progress)
    if (problem !== undefined) this.#onProblem(problem)
    if (count > 0) {
      this.#recent.push(createBlock(asBuffer(bytes), ends, positions))
      this.#last = last
    }
    this.#recent.releaseBefore(sealed + 1)
    this.#recent.joinBefore(sealed + 1)
  }

  async retain(beforeUs: number, maxBytes: number): Promise<{ removed: string[]; bytes: number }> {
    const retaining = this.#retain(beforeUs, maxBytes)
    this.#retaining = retaining.catch(() => {})
    return retaining
  }

  async #retain(beforeUs: number, maxBytes: number): Promise<{ removed: string[]; bytes: number }> {
    const { oldest, removed, bytes } = await this.#writer.call('retain', beforeUs, maxBytes)
    if (removed.length > 0) {
      this.#oldest = oldest
      this.#replayed.clear()
    }
    return { removed, bytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }

  async #readSealed(position: number): Promise<LogBlock | undefined> {
    const framed = await this.#reader.call('read', position)
    if (!framed) return undefined
    const { frames, positions } = framed
    const block = blockOfFrames({ bytes: asBuffer(frames.bytes), ends: frames.ends }, positions)
    // Found because what was asked for is being taken away? Then `oldest` has to say so first.
    if (block.first > position) await this.#retaining
    this.#replayed.set(block.first, block)
    this.#found.set(position, block.first)
    return block
  }

  #findReplayed(position: number): LogBlock | undefined {
    const first = this.#found.get(position)
    return first === undefined ? undefined : this.#replayed.get(first)
  }
}

/** A structured clone makes Uint8Arrays of Buffers. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
