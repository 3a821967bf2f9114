import { describe, expect, it } from 'vitest'
import type { ProbeApi, ProbeSetup } from '../test/fixtures/probe-thread.ts'
import type { StorageError } from './errors.ts'
import { lazyThread } from './lazy-thread.ts'
import type { Thread } from './thread.ts'

const probeScript = new URL('../test/fixtures/probe-thread.ts', import.meta.url)

const threads = (): number => process.getActiveResourcesInfo().filter(name => name === 'MessagePort').length

function probe(setup: ProbeSetup = {}): { thread: Thread<ProbeApi>; failures: StorageError[] } {
  const failures: StorageError[] = []
  const onFailure = (error: StorageError): number => failures.push(error)
  return {
    thread: lazyThread<ProbeApi>(probeScript, { name: 'probe', workerData: setup, onFailure }),
    failures,
  }
}

describe('a lazy thread', () => {
  it('starts with the first call, and runs calls in the order they were made', async () => {
    const before = threads()
    const { thread } = probe()
    await using _ = thread
    expect([threads(), thread.pending]).toEqual([before, 0])
    const calls = [
      thread.call('noteLater', 'slow', 20),
      thread.call('note', 'quick'),
      thread.call('noteLater', 'other', 1),
    ]
    expect(thread.pending).toBe(3)
    await Promise.all(calls)
    expect(thread.pending).toBe(0)
    expect(threads()).toBeGreaterThan(before)
    const log = ['slow begins', 'slow ends', 'quick', 'other begins', 'other ends']
    expect(await thread.call('log')).toEqual(log)
    expect(await thread.call('add', 2, 3)).toBe(5)
  })

  it('moves buffers', async () => {
    const { thread } = probe()
    await using _ = thread
    const bytes = new Uint8Array([1, 2, 3])
    await thread.callTransferring([bytes.buffer], 'sum', bytes)
    expect(bytes.length).toBe(0)
  })

  it('tells each call why it could not be started, and tries again with the next', async () => {
    const { thread } = probe({ refuse: true })
    await using _ = thread
    const calls = [thread.call('add', 1, 1), thread.call('add', 1, 1)]
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { message: 'no such luck' } })
    }
    await expect(thread.call('add', 1, 1)).rejects.toThrow('no such luck')
    expect(thread.pending).toBe(0)
  })

  it('takes no call once it is disposed, whether it ever ran or not', async () => {
    for (const used of [true, false]) {
      const { thread, failures } = probe()
      if (used) await thread.call('add', 1, 1)
      await thread[Symbol.asyncDispose]()
      await thread[Symbol.asyncDispose]()
      await expect(thread.call('add', 1, 1)).rejects.toThrow('the thread "probe" is disposed')
      expect(failures).toEqual([])
    }
  })

  it('waits for the calls that wait for it when it is disposed', async () => {
    const { thread } = probe()
    const call = thread.call('add', 1, 1)
    await thread[Symbol.asyncDispose]()
    expect(await call).toBe(2)
  })
})
