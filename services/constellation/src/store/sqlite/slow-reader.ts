import { startThread, type StorageError, type Thread } from '@orrery/storage'
import { TooBusyError } from '../../store.ts'
import type { SlowThreadOptions } from './slow-reader-thread.ts'
import type { SlowReads } from './reader.ts'

/** Calls that are answered or wait at a time; more are refused. The longest take seconds. */
const maxPending = 8

/** How long the thread waits for another call before it ends, milliseconds: it holds some 50 MB. */
const usualIdleMs = 2_000

export interface SlowReaderOptions extends SlowThreadOptions {
  onFailure: (error: StorageError) => void
  /** For tests; 2,000 by default. */
  idleMs?: number | undefined
}

/**
 * Reads in a thread of its own what takes long, one call after the other, so that whoever asks for less need not wait. The
 * thread starts with the first one, and ends when nobody has asked for a while.
 *
 * Its methods throw (reject with) `TooBusyError` where too many wait.
 */
export class SlowReader implements SlowReads, AsyncDisposable {
  readonly #options: SlowReaderOptions
  #thread: Promise<Thread<SlowReads>> | undefined
  #pending = 0
  #idle: NodeJS.Timeout | undefined
  /** The end of the thread before. */
  #ended: Promise<void> = Promise.resolve()

  constructor(options: SlowReaderOptions) {
    this.#options = options
  }

  backlinks(...call: Parameters<SlowReads['backlinks']>): ReturnType<SlowReads['backlinks']> {
    return this.#run(thread => thread.call('backlinks', ...call))
  }

  linkingDids(...call: Parameters<SlowReads['linkingDids']>): ReturnType<SlowReads['linkingDids']> {
    return this.#run(thread => thread.call('linkingDids', ...call))
  }

  join(...call: Parameters<SlowReads['join']>): ReturnType<SlowReads['join']> {
    return this.#run(thread => thread.call('join', ...call))
  }

  joinCounts(...call: Parameters<SlowReads['joinCounts']>): ReturnType<SlowReads['joinCounts']> {
    return this.#run(thread => thread.call('joinCounts', ...call))
  }

  sources(...call: Parameters<SlowReads['sources']>): ReturnType<SlowReads['sources']> {
    return this.#run(thread => thread.call('sources', ...call))
  }

  sourcesByCount(...call: Parameters<SlowReads['sourcesByCount']>): ReturnType<SlowReads['sourcesByCount']> {
    return this.#run(thread => thread.call('sourcesByCount', ...call))
  }

  accountTargets(...call: Parameters<SlowReads['accountTargets']>): ReturnType<SlowReads['accountTargets']> {
    return this.#run(thread => thread.call('accountTargets', ...call))
  }

  async #run<T>(work: (thread: Thread<SlowReads>) => Promise<T>): Promise<T> {
    if (this.#pending >= maxPending)
      throw new TooBusyError('Too much that takes long is being asked for; try again in a while')
    this.#pending++
    clearTimeout(this.#idle)
    try {
      this.#thread ??= this.#start()
      return await work(await this.#thread)
    } finally {
      this.#pending--
      if (this.#pending === 0) {
        const end = (): void => void (this.#ended = this.#end())
        this.#idle = setTimeout(end, this.#options.idleMs ?? usualIdleMs).unref()
      }
    }
  }

  /** Whoever asks from here on gets another thread. */
  async #end(): Promise<void> {
    clearTimeout(this.#idle)
    const thread = this.#thread
    this.#thread = undefined
    // One that did not start told those who waited for it.
    const running = await thread?.catch(() => undefined)
    await running?.[Symbol.asyncDispose]()
  }

  async #start(): Promise<Thread<SlowReads>> {
    const { folder, cacheBytes, onFailure } = this.#options
    try {
      return await startThread<SlowReads>(new URL('./slow-reader-thread.ts', import.meta.url), {
        name: 'slow-reader',
        workerData: { folder, cacheBytes } satisfies SlowThreadOptions,
        onFailure,
      })
    } catch (error) {
      this.#thread = undefined
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#ended, this.#end()])
  }
}
