import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommitEvent } from '@orrery/firehose'
import { createLogger } from '@orrery/server'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StorageError } from '@orrery/storage'
import { zeroChangeStats } from './changes.ts'
import { ingest } from './ingest.ts'
import type { UfosWriter } from './store.ts'
import { noProgress } from './store/testing/helpers.ts'
import { openTested } from './store/testing/tested-sqlite.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ufos-ingest-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const source = 'wss://a'

/** A source that has batches of so many events ready, and then ends. */
async function* sourceOf(sizes: readonly number[]): AsyncGenerator<{
  events: CommitEvent[]
  progress: typeof noProgress
}> {
  let seq = 0
  for (const size of sizes) {
    const events = Array.from({ length: size }, () => eventOf(++seq))
    yield { events, progress: { ...noProgress, cursors: [{ source, cursor: seq, time: '', seen: [] }] } }
  }
}

function eventOf(seq: number): CommitEvent {
  const record = Buffer.from('{}')
  const op = { action: 'create' as const, collection: 'a.b.c', rkey: `${seq}`, cid: 'bafy', record }
  const timeUs = Date.now() * 1_000
  const account = { did: `did:plc:${seq % 50}`, source, seq, rev: 'rev', verified: true }
  return { kind: 'commit', ...account, ops: [op], time: '', timeUs }
}

type Source = ReturnType<typeof sourceOf>

function start(
  firehose: Source,
  { writer, commitIntervalMs = 0 }: { writer: UfosWriter; commitIntervalMs?: number },
): Promise<void> {
  return ingest({
    firehose,
    writer,
    stats: zeroChangeStats(),
    maxSampleBytes: 1_000,
    logger: createLogger({ name: 'test', level: 'silent' }),
    commitIntervalMs,
    fullDiskPauseMs: 100,
    signal: AbortSignal.timeout(20_000),
  })
}

async function run(
  sizes: readonly number[],
  commitIntervalMs: number,
): Promise<{ ms: number; creates: number }> {
  await using store = await openTested(folder)
  const from = performance.now()
  await start(sourceOf(sizes), { writer: store.store.writer, commitIntervalMs })
  return { ms: performance.now() - from, creates: (await store.reader.stats()).creates }
}

it('lets events gather between two commits', async () => {
  const { ms, creates } = await run([1, 2, 3], 200)
  expect(creates).toBe(6)
  expect(ms).toBeGreaterThan(390)
})

it('does not wait where batches are full, as it is behind then', async () => {
  const { ms, creates } = await run([5_000, 5_000, 5_000], 15_000)
  expect(creates).toBe(15_000)
  expect(ms).toBeLessThan(15_000)
}, 30_000)

it('does not go on behind a batch that has to wait for room, and keeps their order', async () => {
  await using store = await openTested(folder)
  const { writer, progress } = store.store
  const tried: number[] = []
  const seen: (number | undefined)[] = []
  const full: UfosWriter = {
    ...writer,
    async apply(changes, upstream) {
      tried.push(upstream.cursors[0]!.cursor)
      seen.push(progress.cursor(source)?.cursor)
      if (tried.length < 3) throw new StorageError('full', 'no room')
      await writer.apply(changes, upstream)
    },
  }
  await start(sourceOf([5_000, 5_000, 6_000, 1]), { writer: full })
  expect(tried).toEqual([5_000, 5_000, 5_000, 10_000, 16_000, 16_001])
  expect(seen).toEqual([undefined, undefined, undefined, 5_000, 10_000, 16_000])
  expect((await store.reader.stats()).creates).toBe(16_001)
  expect(await store.reader.samples({ collections: ['a.b.c'], limit: 1 })).toMatchObject([{ rkey: '16001' }])
}, 30_000)

it('ends with what broke the store, also where nothing comes any more', async () => {
  const store = await openTested(folder)
  const events = sourceOf([5_000])
  async function* thenSilence(): Source {
    await store[Symbol.asyncDispose]()
    yield* events
    await new Promise(() => {})
  }
  await expect(start(thenSilence(), { writer: store.store.writer })).rejects.toThrow('is disposed')
}, 30_000)
