import type { Transferable } from 'node:worker_threads'
import { StorageError } from './errors.ts'
import { startThread, type Thread, type ThreadOptions } from './thread.ts'

/**
 * A thread that starts with the first call of it: an idle one is some 13 MB, and what it serves may never be asked for.
 * What a call is given must not change until then. Where it cannot be started, the calls that waited for it reject with the reason, and the next one tries again.
 */
export function lazyThread<Api extends object>(script: URL, options: ThreadOptions): Thread<Api> {
  let starting: Promise<Thread<Api>> | undefined
  let waiting = 0
  let started: Thread<Api> | undefined
  let disposing: Promise<void> | undefined

  async function start(): Promise<Thread<Api>> {
    try {
      return (started = await startThread<Api>(script, options))
    } catch (error) {
      starting = undefined
      throw error
    }
  }

  async function callWhenStarted(
    transfer: readonly Transferable[],
    method: string,
    args: unknown[],
  ): Promise<unknown> {
    if (disposing) {
      throw new StorageError(
        'thread',
        `the thread "${options.name}" is disposed; it takes no call of "${method}"`,
      )
    }
    waiting++
    let thread: Thread<Api>
    try {
      thread = await (starting ??= start())
    } finally {
      waiting--
    }
    // Those who waited go on in the order in which they came.
    return thread.callTransferring(transfer, method as never, ...(args as never))
  }

  async function dispose(): Promise<void> {
    const thread = await starting?.catch(() => undefined)
    await thread?.[Symbol.asyncDispose]()
  }

  return {
    name: options.name,
    get pending() {
      return waiting + (started?.pending ?? 0)
    },
    call: (method, ...args) => callWhenStarted([], method, args) as never,
    callTransferring: (transfer, method, ...args) => callWhenStarted(transfer, method, args) as never,
    [Symbol.asyncDispose]: () => (disposing ??= dispose()),
  }
}
