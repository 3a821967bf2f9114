import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort, Transferable } from 'node:worker_threads'

import { StorageError } from './errors.ts'
import { toWireError, Transferring } from './thread-messages.ts'
import type { Request, Response } from './thread-messages.ts'

// For threads without a database, which import this file alone.
export { transferring } from './thread-messages.ts'

/** What a thread serves besides its methods: `dispose` runs after the last call, before the thread ends. */
export type Disposing = { dispose?(): void | Promise<void> }

type Method = (...args: unknown[]) => unknown

/**
 * The thread's side of `startThread`: makes the store with what the owner gave as `workerData`, then runs one call after
 * the other in the order they were made; an asynchronous method is awaited before the next call begins. What a method
 * throws goes to its caller and the thread lives on. What is thrown outside of a call ends the thread, which the owner
 * learns about.
 *
 * @param create makes the store; what it throws is what `startThread` rejects with
 * @throws {StorageError} `thread` when called in the main thread
 */
export function serveThread<Api extends object>(
  create: (workerData: unknown) => (Api & Disposing) | Promise<Api & Disposing>,
): void {
  const port = parentPort
  if (!port)
    throw new StorageError('thread', 'serveThread is to be called in a thread that startThread started')
  void serve(port, create)
}

async function serve(
  port: MessagePort,
  create: (workerData: unknown) => object | Promise<object>,
): Promise<void> {
  let api: Record<string, Method | undefined>
  try {
    api = (await create(workerData)) as typeof api
  } catch (error) {
    post(port, { kind: 'refused', error: toWireError(error) })
    return
  }

  const queue: Request[] = []
  let working = false
  const work = async (): Promise<void> => {
    working = true
    for (let request = queue.shift(); request; request = queue.shift()) {
      if (request.kind === 'dispose') {
        await disposeAll(port, api)
        return
      }
      const answered = answer(port, api, request)
      // Awaiting what is there already would cost every synchronous call a turn of the loop.
      if (answered) await answered
    }
    working = false
  }
  port.on('message', (request: Request) => {
    queue.push(request)
    // `work` has no rejection of its own; if it had, the thread should die of it loudly.
    if (!working) void work()
  })
  post(port, { kind: 'ready' })
}

/** Runs one call and posts its answer; hands back a promise only when the method is asynchronous. */
function answer(
  port: MessagePort,
  api: Record<string, Method | undefined>,
  { id, method, args }: Extract<Request, { kind: 'call' }>,
): Promise<void> | undefined {
  const failed = (error: unknown): void => post(port, { kind: 'error', id, error: toWireError(error) })
  const succeeded = (result: unknown): void => {
    const { value, transfer } = result instanceof Transferring ? result : { value: result, transfer: [] }
    try {
      post(port, { kind: 'result', id, value }, transfer)
    } catch (error) {
      // The value cannot be cloned; nothing was posted.
      failed(error)
    }
  }
  // What every object has (`toString`, `constructor`, …) is no method of the store.
  const run = method in Object.prototype ? undefined : api[method]
  if (typeof run !== 'function') {
    failed(new StorageError('thread', `the thread has no method "${method}"`))
    return undefined
  }
  try {
    const result = run.apply(api, args)
    if (result instanceof Promise) return result.then(succeeded, failed)
    succeeded(result)
  } catch (error) {
    failed(error)
  }
  return undefined
}

async function disposeAll(port: MessagePort, api: Disposing): Promise<void> {
  try {
    await api.dispose?.()
    post(port, { kind: 'disposed' })
  } catch (error) {
    post(port, { kind: 'disposed', error: toWireError(error) })
  }
  port.close()
}

function post(port: MessagePort, response: Response, transfer: readonly Transferable[] = []): void {
  port.postMessage(response, [...transfer])
}
