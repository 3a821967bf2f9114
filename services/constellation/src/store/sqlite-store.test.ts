import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Change } from '../store.ts'
import { openSqliteStore, type SqliteStore } from './sqlite.ts'
import { likers, noProgress, put, startMs } from './testing/test-index.ts'

async function openStore(stack: AsyncDisposableStack): Promise<SqliteStore> {
  const folder = await mkdtemp(join(tmpdir(), 'links-'))
  stack.defer(() => rm(folder, { recursive: true }))
  return stack.use(
    await openSqliteStore({
      folder,
      onFailure(error) {
        throw error
      },
    }),
  )
}

it('shows what was written from then on, also in a turn of the loop in which something was read before', async () => {
  await using stack = new AsyncDisposableStack()
  const store = await openStore(stack)
  const key = { target: 'did:plc:liked', source: { collection: 'app.bsky.feed.like', path: '.subject' } }
  const links = [{ path: key.source.path, target: key.target }]
  for (let i = 1; i <= 3; i++) {
    const record = { did: 'did:plc:a', collection: key.source.collection, rkey: `key${i}` }
    const change: Change = { kind: 'put', record, rev: '', links }
    await sleep(1)
    // What is read first is of the state before. The writer is done meanwhile, and the news of it comes in the same turn.
    const before = store.reader.counts([key])
    const applied = store.writer.apply([change], noProgress, startMs)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    await applied
    const [counts] = await store.reader.counts([key])
    expect(counts).toEqual({ records: i, distinct: 1 })
    await before
  }
})

it('does nothing of what was to come behind a call that failed, until that was known', async () => {
  await using stack = new AsyncDisposableStack()
  const { writer, reader } = await openStore(stack)
  const gather = (...changes: Change[]) => writer.gather(changes, startMs)
  const apply = (...changes: Change[]) => writer.apply(changes, noProgress, startMs)
  const broken = put('c1', [], { rev: 'no TID' })
  const calls = [apply(put('a1')), gather(put('b1')), gather(broken), gather(put('d1')), apply(put('e1'))]
  const outcomes = (await Promise.allSettled(calls)).map(({ status }) => status)
  expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'])
  expect(await reader.counts([likers])).toEqual([{ records: 1, distinct: 1 }])
  await Promise.all([gather(put('b1')), gather(put('d1')), apply(put('e1'))])
  expect(await reader.counts([likers])).toEqual([{ records: 4, distinct: 4 }])
  // A second failure is no other than the first.
  const more = await Promise.allSettled([apply(broken), apply(put('f1'))])
  expect(more.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await apply(put('f1'))
  expect(await reader.counts([likers])).toEqual([{ records: 5, distinct: 5 }])
})
