import { startThread, type StorageError, type Thread } from '@orrery/storage'
import { TooBusyError } from '../../store.ts'
import type { JoinThreadOptions } from './join-thread.ts'
import type { Joins } from './reader.ts'

/** Joins that are made or wait at a time; more are refused. The longest take seconds. */
const maxJoins = 8

/**
 * Makes joins in a thread of its own, one after the other, so that whoever asks for less need not wait. The thread starts
 * with the first one.
 *
 * Its methods throw (reject with) `TooBusyError` where too many wait.
 */
export class JoinThread implements Joins, AsyncDisposable {
  readonly #options: JoinThreadOptions & { onFailure: (error: StorageError) => void }
  #thread: Promise<Thread<Joins>> | undefined
  #pending = 0

  constructor(options: JoinThreadOptions & { onFailure: (error: StorageError) => void }) {
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
    try {
      this.#thread ??= this.#start()
      return await work(await this.#thread)
    } finally {
      this.#pending--
    }
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
    await (await this.#thread)?.[Symbol.asyncDispose]()
  }
}
