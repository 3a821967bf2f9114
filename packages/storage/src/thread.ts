import { Worker } from 'node:worker_threads'
import type { Transferable } from 'node:worker_threads'

import { StorageError } from './errors.ts'
import { fromWireError } from './thread-messages.ts'
import type { Request, Response, Transferring } from './thread-messages.ts'

/** The names of what can be called on an `Api`: its methods, without `dispose`. */
export type MethodName<Api> = Exclude<
  { [Key in keyof Api]: Api[Key] extends (...args: never[]) => unknown ? Key : never }[keyof Api] & string,
  'dispose'
>
type ArgumentsOf<Api, Name extends keyof Api> = Api[Name] extends (...args: infer Args) => unknown
  ? Args
  : never
type ResultOf<Api, Name extends keyof Api> = Api[Name] extends (...args: never[]) => infer Result
  ? Awaited<Result> extends Transferring<infer Value>
    ? Value
    : Awaited<Result>
  : never

/** A running thread and the store in it. Dispose it to end it. */
export type Thread<Api> = AsyncDisposable & {
  readonly name: string
  /** Calls that are not answered yet. */
  readonly pending: number
  /**
   * Runs a method of the store. Calls run in the order they are made here, one at a time. Arguments and results are
   * structured clones.
   *
   * @throws (rejects) what the method threw, with its name, message, code and stack
   * @throws {StorageError} `thread` when the thread has died or is disposed
   */
  call<Name extends MethodName<Api>>(
    method: Name,
    ...args: ArgumentsOf<Api, Name>
  ): Promise<ResultOf<Api, Name>>
  /** As `call`; the buffers in `transfer` move to the thread and are unusable here afterwards. */
  callTransferring<Name extends MethodName<Api>>(
    transfer: readonly Transferable[],
    method: Name,
    ...args: ArgumentsOf<Api, Name>
  ): Promise<ResultOf<Api, Name>>
  /**
   * Refuses new calls, waits for those in flight, runs the store's own `dispose`, ends the thread. Disposing twice is
   * disposing once.
   *
   * @throws (rejects) what the store's `dispose` threw; the thread has ended all the same
   */
  [Symbol.asyncDispose](): Promise<void>
}

/** How to start a thread. */
export type ThreadOptions = {
  /** For errors, and for the thread's name in debuggers. */
  name: string
  /** Given to the worker's `create`, as a structured clone. */
  workerData?: unknown
  /**
   * Called once when the thread dies by itself: an error outside of a call, an exit, memory run out. All calls in flight have
   * been rejected by then. A store that died may have left anything behind, so the process is expected to stop; by default
   * the error is thrown outside of any call, which ends a process that does not handle it.
   */
  onFailure?: (error: StorageError) => void
}

/**
 * How much a thread's heap lets gather before it looks for what is dead. What passes through is dead soon, and the default
 * (48 MB) is filled before it is looked at: each thread of a Jetstream held some 20 MB more.
 */
const maxYoungGenerationSizeMb = 6

type Waiting = { resolve(value: unknown): void; reject(error: unknown): void }

/**
 * Starts a script that calls `serveThread` in a thread of its own, and waits until its store is made.
 *
 * @throws (rejects) what the store's `create` threw, or what loading the script threw
 */
export async function startThread<Api extends object>(
  script: URL,
  options: ThreadOptions,
): Promise<Thread<Api>> {
  const { name, workerData } = options
  const worker = new Worker(script, { name, workerData, resourceLimits: { maxYoungGenerationSizeMb } })
  const thread = new OwnedThread(worker, options)
  await thread.started
  return thread as unknown as Thread<Api>
}

/** Owns the worker: the calls that wait for an answer, and the one way it ends. */
class OwnedThread {
  readonly name: string
  /** Resolves when the store is made, rejects when it cannot be. */
  readonly started: Promise<void>
  readonly #worker: Worker
  readonly #onFailure: (error: StorageError) => void
  readonly #waiting = new Map<number, Waiting>()
  readonly #start = Promise.withResolvers<void>()
  readonly #disposed = Promise.withResolvers<void>()
  #state: 'starting' | 'running' | 'disposing' | 'ended' = 'starting'
  #failure: StorageError | undefined
  #disposing: Promise<void> | undefined
  #lastId = 0

  constructor(worker: Worker, { name, onFailure }: ThreadOptions) {
    this.name = name
    this.started = this.#start.promise
    this.#worker = worker
    this.#onFailure = onFailure ?? throwOutside
    worker.on('message', (response: Response) => this.#receive(response))
    worker.on('error', error => this.#died(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', code => {
      const hint = this.#state === 'starting' && code === 0 ? '; does its script call serveThread?' : ''
      this.#died(new StorageError('thread', `the thread "${name}" exited with code ${code}${hint}`))
    })
  }

  get pending(): number {
    return this.#waiting.size
  }

  call(method: string, ...args: unknown[]): Promise<unknown> {
    return this.callTransferring([], method, ...args)
  }

  callTransferring(transfer: readonly Transferable[], method: string, ...args: unknown[]): Promise<unknown> {
    if (this.#state !== 'running') {
      return Promise.reject(
        this.#failure ??
          new StorageError(
            'thread',
            `the thread "${this.name}" is disposed; it takes no call of "${method}"`,
          ),
      )
    }
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, { resolve, reject })
    try {
      this.#post({ kind: 'call', id, method, args }, transfer)
    } catch (error) {
      // An argument cannot be cloned or moved: nothing was sent, so nothing will be answered.
      this.#waiting.delete(id)
      reject(error)
    }
    return promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose()
    return this.#disposing
  }

  async #dispose(): Promise<void> {
    // Whoever had to know of the death was told by `onFailure`; there is nothing left to end.
    if (this.#state === 'ended') return
    this.#state = 'disposing'
    // The thread works in order, so this comes after every call in flight.
    this.#post({ kind: 'dispose' })
    try {
      await this.#disposed.promise
    } finally {
      this.#state = 'ended'
      // Ends it even if the store left a timer or a handle behind.
      await this.#worker.terminate()
    }
  }

  #post(request: Request, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(request, transfer)
  }

  #receive(response: Response): void {
    switch (response.kind) {
      case 'ready':
        this.#state = 'running'
        this.#start.resolve()
        return
      case 'refused':
        this.#state = 'ended'
        this.#start.reject(fromWireError(response.error))
        void this.#worker.terminate()
        return
      case 'result':
        this.#take(response.id)?.resolve(response.value)
        return
      case 'error':
        this.#take(response.id)?.reject(fromWireError(response.error))
        return
      case 'disposed':
        // At once: a thread that is gone by now exits in the same turn, and that is no death.
        this.#state = 'ended'
        if (response.error) this.#disposed.reject(fromWireError(response.error))
        else this.#disposed.resolve()
        return
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #died(cause: Error): void {
    if (this.#state === 'ended') return
    const was = this.#state
    this.#state = 'ended'
    if (was === 'starting') {
      this.#start.reject(cause)
      return
    }
    const failure =
      cause instanceof StorageError
        ? cause
        : new StorageError('thread', `the thread "${this.name}" died: ${cause.message}`, { cause })
    this.#failure = failure
    for (const waiting of this.#waiting.values()) waiting.reject(failure)
    this.#waiting.clear()
    if (was === 'disposing') this.#disposed.reject(failure)
    else this.#onFailure(failure)
  }
}

function throwOutside(error: StorageError): void {
  queueMicrotask(() => {
    throw error
  })
}
