import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommitEvent, Firehose } from '@orrery/firehose'
import { createLogger } from '@orrery/server'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { zeroChangeStats } from './changes.ts'
import { ingest } from './ingest.ts'
import { noProgress } from './store/testing/helpers.ts'
import { openTested } from './store/testing/tested-sqlite.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ufos-ingest-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A source that has batches of so many events ready, and then ends. */
async function* sourceOf(sizes: readonly number[]): AsyncGenerator<{
  events: CommitEvent[]
  progress: typeof noProgress
}> {
  let seq = 0
  for (const size of sizes) {
    yield { events: Array.from({ length: size }, () => eventOf(++seq)), progress: noProgress }
  }
}

function eventOf(seq: number): CommitEvent {
  const record = Buffer.from('{}')
  const op = { action: 'create' as const, collection: 'a.b.c', rkey: `${seq}`, cid: 'bafy', record }
  const timeUs = Date.now() * 1_000
  const account = { did: `did:plc:${seq % 50}`, source: 'wss://a', seq, rev: 'rev', verified: true }
  return { kind: 'commit', ...account, ops: [op], time: '', timeUs }
}

async function run(
  sizes: readonly number[],
  commitIntervalMs: number,
): Promise<{ ms: number; creates: number }> {
  await using store = await openTested(folder)
  const from = performance.now()
  await ingest({
    firehose: sourceOf(sizes) as unknown as Firehose,
    writer: store.store.writer,
    stats: zeroChangeStats(),
    maxSampleBytes: 1_000,
    logger: createLogger({ name: 'test', level: 'silent' }),
    commitIntervalMs,
    signal: AbortSignal.timeout(20_000),
  })
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
