import { startThread, type StorageError, type Thread } from '@orrery/storage'
import { TooBusyError } from '../../store.ts'
import type { JoinThreadOptions } from './join-thread.ts'
import type { Joins } from './reader.ts'

/** Joins that are made or wait at a time; more are refused. The longest take seconds. */
const maxJoins = 8

/** How long the thread waits for another one before it ends, milliseconds: it holds some 50 MB. */
const usualIdleMs = 2_000

export interface JoinsOptions extends JoinThreadOptions {
  onFailure: (error: StorageError) => void
  /** For tests; 2,000 by default. */
  idleMs?: number | undefined
}

/**
 * Makes joins in a thread of its own, one after the other, so that whoever asks for less need not wait. The thread starts
 * with the first one, and ends when nobody has asked for a while.
 *
 * Its methods throw (reject with) `TooBusyError` where too many wait.
 */
export class JoinThread implements Joins, AsyncDisposable {
  readonly #options: JoinsOptions
  #thread: Promise<Thread<Joins>> | undefined
  #pending = 0
  #idle: NodeJS.Timeout | undefined
  /** The end of the thread before. */
  #ended: Promise<void> = Promise.resolve()

  constructor(options: JoinsOptions) {
    this.#options = options
  }

  join(...call: Parameters<Joins['join']>): ReturnType<Joins['join']> {
    return this.#run(thread => thread.call('join', ...call))
  }

  joinCounts(...call: Parameters<Joins['joinCounts']>): ReturnType<Joins['joinCounts']> {
    return this.#run(thread => thread.call('joinCounts', ...call))
  }

  async #run<T>(work: (thread: Thread<Joins>) => Promise<T>): Promise<T> {
    if (this.#pending >= maxJoins)
      throw new TooBusyError('Too many long lists are being joined; try again in a while')
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

  async #start(): Promise<Thread<Joins>> {
    const { folder, cacheBytes, onFailure } = this.#options
    try {
      return await startThread<Joins>(new URL('./join-thread.ts', import.meta.url), {
        name: 'link-joins',
        workerData: { folder, cacheBytes } satisfies JoinThreadOptions,
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
