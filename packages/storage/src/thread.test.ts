import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { afterAll, describe, expect, it, onTestFinished } from 'vitest'

import type { ProbeApi, ProbeSetup } from '../test/fixtures/probe-thread.ts'
import type { WriterApi } from '../test/fixtures/writer-thread.ts'
import { openDatabase } from './database.ts'
import { StorageError } from './errors.ts'
import { serveThread } from './serve-thread.ts'
import { startThread } from './thread.ts'
import type { Thread } from './thread.ts'

const probeScript = new URL('../test/fixtures/probe-thread.ts', import.meta.url)
const silentScript = new URL('../test/fixtures/silent-thread.ts', import.meta.url)
const writerScript = new URL('../test/fixtures/writer-thread.ts', import.meta.url)
const careless = fileURLToPath(new URL('../test/fixtures/careless-owner.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'orrery-thread-'))
afterAll(() => rmSync(folder, { recursive: true }))

const failures: StorageError[] = []

function startProbe(setup: ProbeSetup = {}): Promise<Thread<ProbeApi>> {
  failures.length = 0
  return startThread<ProbeApi>(probeScript, {
    name: 'probe',
    workerData: setup,
    onFailure: error => failures.push(error),
  })
}

async function rejection(promise: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('it was fulfilled')
}

describe('calls', () => {
  it('answer with the result of the method', async () => {
    await using thread = await startProbe()
    // Typed from the Api: a sum of strings would not compile.
    const sum: number = await thread.call('add', 2, 3)
    expect(sum).toBe(5)
  })

  it('run one at a time in the order they were made, asynchronous ones too', async () => {
    await using thread = await startProbe()
    const calls = [
      thread.call('noteLater', 'slow', 20),
      thread.call('note', 'quick'),
      thread.call('noteLater', 'other', 1),
      thread.call('note', 'last'),
    ]
    expect(thread.pending).toBe(4)
    await Promise.all(calls)
    expect(thread.pending).toBe(0)
    expect(await thread.call('log')).toEqual([
      'slow begins',
      'slow ends',
      'quick',
      'other begins',
      'other ends',
      'last',
    ])
  })

  it('reject with the error of the method: name, message, code, fields, stack and cause', async () => {
    await using thread = await startProbe()
    const error = await rejection(thread.call('fail'))
    expect(error).toMatchObject({ name: 'RangeError', message: 'out of luck', code: 'LUCK', limit: 7 })
    expect(error.stack).toContain('probe-thread.ts')
    expect(error.cause).toMatchObject({ message: 'disk I/O error', code: 'SQLITE_IOERR_READ' })
    expect(await thread.call('add', 1, 1)).toBe(2)
  })

  it('reject with a StorageError that is one here too', async () => {
    await using thread = await startProbe()
    const error = await rejection(thread.call('failLater'))
    expect(error).toBeInstanceOf(StorageError)
    expect(error).toMatchObject({ code: 'full', message: 'no room', path: '/data/x' })
  })

  it('reject what cannot cross, in either direction, and go on', async () => {
    await using thread = await startProbe()
    expect(await rejection(thread.call('uncloneable'))).toMatchObject({ name: 'DataCloneError' })
    const notPlain = (() => 1) as unknown as Uint8Array
    expect(await rejection(thread.call('sum', notPlain))).toMatchObject({ name: 'DataCloneError' })
    expect(thread.pending).toBe(0)
    expect(await thread.call('add', 1, 1)).toBe(2)
  })

  it.each(['nothing', 'toString', 'constructor', '__proto__'])('reject the method %s', async method => {
    await using thread = await startProbe()
    expect(await rejection(thread.call(method as 'log'))).toMatchObject({
      code: 'thread',
      message: `the thread has no method "${method}"`,
    })
  })

  it('move buffers both ways', async () => {
    await using thread = await startProbe()
    const bytes: Uint8Array = await thread.call('bytes', 1_000)
    expect(bytes).toEqual(new Uint8Array(1_000).fill(7))
    expect(await thread.call('bytesLeft')).toBe(0)
    expect(await thread.callTransferring([bytes.buffer as ArrayBuffer], 'sum', bytes)).toBe(7_000)
    expect(bytes.byteLength).toBe(0)
  })
})

describe('the start', () => {
  it('rejects with what create threw', async () => {
    const error = await rejection(startProbe({ refuse: true }))
    expect(error).toMatchObject({ name: 'TypeError', message: 'no such luck', code: 'NO_LUCK', attempts: 3 })
    expect(error.stack).toContain('probe-thread.ts')
    expect(failures).toEqual([])
  })

  it('rejects when the script cannot be loaded', async () => {
    const missing = new URL('../test/fixtures/no-such-thread.ts', import.meta.url)
    const error = await rejection(startThread(missing, { name: 'missing' }))
    expect(error.message).toContain('no-such-thread.ts')
  })

  it('rejects when the script serves nothing', async () => {
    const error = await rejection(startThread(silentScript, { name: 'silent' }))
    expect(error).toMatchObject({ code: 'thread' })
    expect(error.message).toContain('does its script call serveThread?')
  })

  it('is refused outside of a thread', () => {
    expect(() => serveThread(() => ({}))).toThrow('serveThread is to be called in a thread')
  })
})

describe('the end', () => {
  it('waits for calls in flight, disposes the store, and takes no more calls', async () => {
    const disposed = new SharedArrayBuffer(4)
    const thread = await startProbe({ disposed })
    const calls = [thread.call('noteLater', 'slow', 20), thread.call('note', 'last')]
    const disposing = thread[Symbol.asyncDispose]()
    expect(await rejection(thread.call('log'))).toMatchObject({ code: 'thread' })
    await disposing
    await Promise.all(calls)
    // The store saw all three notes before its dispose ran.
    expect(new Int32Array(disposed)[0]).toBe(3)
    await thread[Symbol.asyncDispose]()
    expect(await rejection(thread.call('log'))).toMatchObject({
      message: expect.stringContaining('is disposed') as string,
    })
    expect(failures).toEqual([])
  })

  it('comes even when the store left a timer behind', async () => {
    const heart = new SharedArrayBuffer(4)
    const thread = await startProbe()
    await thread.call('beat', heart)
    await thread[Symbol.asyncDispose]()
    const [beats = 0] = new Int32Array(heart)
    await sleep(50)
    expect(new Int32Array(heart)[0]).toBe(beats)
    // It did beat: the store's dispose takes 5 ms.
    expect(beats).toBeGreaterThan(0)
    expect(failures).toEqual([])
  })

  it('rejects with what dispose threw', async () => {
    const thread = await startProbe({ disposeFails: true })
    expect(await rejection(thread[Symbol.asyncDispose]())).toMatchObject({ message: 'dispose went wrong' })
    expect(failures).toEqual([])
  })
})

describe('a thread that dies', () => {
  it('rejects every call in flight, tells its owner once, and refuses later calls', async () => {
    const thread = await startProbe()
    const gate = new SharedArrayBuffer(4)
    const answered = thread.call('dieAt', gate)
    const unanswered = [rejection(thread.call('hang')), rejection(thread.call('add', 1, 1))]
    await answered
    Atomics.store(new Int32Array(gate), 0, 1)
    for (const error of await Promise.all(unanswered)) {
      expect(error).toMatchObject({
        name: 'StorageError',
        code: 'thread',
        message: 'the thread "probe" died: own state is broken',
        cause: { message: 'own state is broken', code: 'BROKEN' },
      })
    }
    expect(failures).toHaveLength(1)
    expect(await rejection(thread.call('add', 1, 1))).toBe(failures[0])
    // Nothing is left to end.
    await thread[Symbol.asyncDispose]()
    expect(failures).toHaveLength(1)
  })

  it('may also just exit', async () => {
    const thread = await startProbe()
    expect(await rejection(thread.call('exit'))).toMatchObject({
      code: 'thread',
      message: 'the thread "probe" exited with code 3',
    })
    expect(failures).toHaveLength(1)
  })

  it('stops a process that does not handle it', async () => {
    const child = spawn(process.execPath, [careless], { stdio: ['ignore', 'ignore', 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [said, code] = await Promise.all([
      text(child.stderr),
      once(child, 'exit').then(([status]) => status as number),
    ])
    expect(code).toBe(1)
    expect(said).toContain('StorageError: the thread "probe" died: own state is broken')
  })

  it('while it is disposed fails the disposing, not the hook', async () => {
    const thread = await startProbe()
    const exiting = rejection(thread.call('exit'))
    expect(await rejection(thread[Symbol.asyncDispose]())).toMatchObject({ code: 'thread' })
    expect(await exiting).toMatchObject({ code: 'thread' })
    expect(failures).toEqual([])
  })
})

describe('a writer in its thread', () => {
  it('writes while a reader here reads, whole batches only', async () => {
    const path = join(folder, 'shared.sqlite')
    {
      await using writer = await startThread<WriterApi>(writerScript, { name: 'writer', workerData: path })
      const reader = openDatabase(path, { readonly: true })
      const count = reader.prepare<[], number>('SELECT count(*) FROM event').pluck()
      await writer.call('write', 1, 100)
      expect(count.get()).toBe(100)

      const shared = new SharedArrayBuffer(4)
      const gate = new Int32Array(shared)
      const second = writer.call('write', 2, 100, shared)
      while (Atomics.load(gate, 0) !== 1) await sleep(1)
      // The writer is in the middle of its transaction: reading goes on, and sees nothing of it.
      expect(count.get()).toBe(100)
      Atomics.store(gate, 0, 2)
      Atomics.notify(gate, 0)
      await second
      expect(count.get()).toBe(200)
      reader.close()
    }
    // The writer closed last and cleanly: its WAL is folded into the file.
    expect(existsSync(`${path}-wal`)).toBe(false)
    expect(statSync(path).size).toBeGreaterThan(0)
  })

  it('fails to start with the error of the database', async () => {
    const error = await rejection(startThread(writerScript, { name: 'writer', workerData: folder }))
    expect(error).toBeInstanceOf(StorageError)
    expect(error).toMatchObject({ code: 'io', path: folder, cause: { code: 'SQLITE_CANTOPEN' } })
  })
})
