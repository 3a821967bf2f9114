import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@orrery/server'
import { StorageError } from '@orrery/storage'
import { expect, it } from 'vitest'
import { zeroChangeStats } from './changes.ts'
import { importEvents, weightOf } from './import.ts'
import type { Change, LinkWriter } from './store.ts'
import { changesIn } from './store/change-list.ts'
import { createMemoryStore } from './store/memory.ts'
import { Series } from './store/sqlite/series.ts'
import { likers, likes, put, recordKey, remove, subject } from './store/testing/test-index.ts'

const lines = 60_000
const cid = 'bafyreicftwsv77h736dhuqe6mdhbanbxyronlwwoogdqyvjkxkvggubhwy'

function like(i: number): string {
  const { did, rkey } = recordKey(`${'abcde'[i % 5]}${i}`)
  const record = { $type: likes.collection, subject: { uri: `${subject}${i % 20_000 === 0 ? '' : i}` } }
  const commit = { rev: rkey, operation: 'create', collection: likes.collection, rkey, record, cid }
  return JSON.stringify({ did, time_us: 1_780_000_000_000_000 + i, kind: 'commit', commit })
}

it('waits while the disk is full, and takes everything in once', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'constellation-import-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const file = join(folder, 'events.jsonl')
  const written = Array.from({ length: lines }, (_, i) => (i % 1_000 === 7 ? 'no event' : like(i)))
  await writeFile(file, written.join('\n'))

  const store = createMemoryStore()
  const calls: string[] = []
  let gathered: [readonly Change[], number][] = []
  let failures = 0
  const series = new Series()
  /** Fails as a full disk does: all that was gathered is gone, and so is what came behind it before that was known. */
  const fail = (kind: string, known: number): void => {
    calls.push(kind)
    if (calls.length % 7 !== 6 && known === failures) return
    gathered = []
    calls.push('full')
    failures = known + 1
    throw new StorageError('full', 'no room', {})
  }
  const writer: LinkWriter = {
    batch: () => store.writer.batch(),
    gather(changes, timeMs) {
      const list = changesIn(changes)
      return series.call(async known => {
        await sleep(1)
        fail('gather', known)
        gathered.push([list, timeMs])
      })
    },
    apply(changes, ...call) {
      const list = changesIn(changes)
      return series.call(async known => {
        await sleep(1)
        fail('apply', known)
        for (const each of gathered) await store.writer.gather(...each)
        gathered = []
        await store.writer.apply(list, ...call)
      })
    },
    tidy: async () => false,
    async [Symbol.asyncDispose]() {},
  }
  const said: string[] = []
  const summary = await importEvents({
    file,
    writer,
    progress: store.progress,
    wants: () => true,
    stats: zeroChangeStats(),
    logger: createLogger({
      name: 'test',
      level: 'info',
      stream: { write: line => void said.push((JSON.parse(line) as { msg: string }).msg) },
    }),
    signal: new AbortController().signal,
    fullDiskPauseMs: 1,
  })
  expect(calls.filter(call => call === 'full').length).toBeGreaterThan(0)
  expect(calls).toContain('gather')
  expect(said.filter(msg => msg.startsWith('the disk is full')).length).toBeGreaterThan(0)
  expect(summary).toEqual({ lines, bad: 60, unknown: 0, changes: lines - 60 })
  expect(await store.reader.stats()).toMatchObject({ links: lines - 60, linkingRecords: lines - 60 })
  expect(await store.reader.counts([likers])).toEqual([{ records: 3, distinct: 1 }])
}, 60_000)

it('weighs links of a usual length as one each, and others by what they take', () => {
  const weight = (...lengths: number[]): number =>
    weightOf(
      put(
        'a1',
        lengths.map(length => ({ path: likes.path, target: 'x'.repeat(length) })),
      ),
    )
  expect([weight(), weight(70), weight(70, 12)]).toEqual([1, 1, 2])
  expect(weight(8_192)).toBeGreaterThan(100)
  expect(weightOf(remove('a1'))).toBe(1)
})
