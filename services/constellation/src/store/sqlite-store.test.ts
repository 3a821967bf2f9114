import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Change } from '../store.ts'
import { openSqliteStore } from './sqlite.ts'
import { noProgress, startMs } from './testing/test-index.ts'

it('shows what was written from then on, also in a turn of the loop in which something was read before', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'links-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const store = stack.use(
    await openSqliteStore({
      folder,
      onFailure(error) {
        throw error
      },
    }),
  )
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
