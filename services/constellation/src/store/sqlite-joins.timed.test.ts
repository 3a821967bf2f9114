import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Change, TooBusyError } from '../store.ts'
import { joinContract } from './testing/contract/join.ts'
import { noProgress, startMs } from './testing/test-index.ts'
import { openTestedSqlite } from './testing/tested-sqlite.ts'

// What goes through a whole list goes through it in a thread, where the list is long: here all are.
const openApart = () => openTestedSqlite({ nearSlots: 0 })

joinContract(openApart)

describe('joins of long lists', () => {
  const source = { collection: 'app.bsky.feed.like', path: '.subject.uri' }
  const key = { target: 'https://liked.example/', source, pathToOther: '.via.uri' }

  /** Records that all link to the target, and to one of a hundred others. */
  function records(count: number): Change[] {
    return Array.from({ length: count }, (_, i) => ({
      kind: 'put',
      record: { did: `did:plc:${i % 997}`, collection: source.collection, rkey: `key${i}` },
      rev: '',
      links: [
        { path: source.path, target: key.target },
        { path: key.pathToOther, target: `https://other.example/${String(i % 100).padStart(2, '0')}` },
      ],
    }))
  }

  it('hold up nothing else, and count all', async () => {
    await using store = await openTestedSqlite({ nearSlots: 1_000 })
    for (let i = 0; i < 2; i++) await store.writer.apply(records(20_000), noProgress, startMs)
    // The thread starts with the first join.
    await store.reader.join(key, { limit: 1 })
    using delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await sleep(20)
    const from = performance.now()
    const { items, next } = await store.reader.joinCounts(key, { limit: 3 })
    const ms = performance.now() - from
    expect(items.map(({ records: count }) => count)).toEqual([200, 200, 200])
    expect(next).toBe('https://other.example/02')
    // A delay is noted in the turn behind it.
    await sleep(20)
    // However slow the machine is: nothing of the work is done here.
    expect(delay.max / 1e6).toBeLessThan(ms / 2)
  })

  it('see what was written before they were asked for', async () => {
    await using store = await openApart()
    for (let i = 1; i <= 5; i++) {
      await store.writer.apply(records(i), noProgress, startMs)
      const all = await Promise.all([1, 2].map(() => store.reader.joinCounts(key, { limit: 1_000 })))
      expect(all.map(({ items }) => items.length)).toEqual([i, i])
    }
  })

  it('end their thread when nobody asks, and start it again', async () => {
    const ends: Promise<unknown>[] = []
    const watch = (worker: Worker): unknown => ends.push(once(worker, 'exit'))
    process.on('worker', watch)
    onTestFinished(() => void process.off('worker', watch))
    await using store = await openTestedSqlite({ nearSlots: 0, joinIdleMs: 1 })
    await store.writer.apply(records(3), noProgress, startMs)
    for (let round = 1; round <= 3; round++) {
      const { items } = await store.reader.joinCounts(key, { limit: 1_000 })
      expect(items).toHaveLength(3)
      await Promise.all(ends)
      expect(ends).toHaveLength(round)
    }
  })

  it('are refused where too many wait, and taken again when they are done', async () => {
    await using store = await openApart()
    await store.writer.apply(records(10), noProgress, startMs)
    const asked = await Promise.allSettled(
      Array.from({ length: 20 }, () => store.reader.joinCounts(key, { limit: 1 })),
    )
    const refused = asked.filter(one => one.status === 'rejected')
    expect(refused.length).toBe(12)
    for (const { reason } of refused) expect(reason).toBeInstanceOf(TooBusyError)
    expect((await store.reader.joinCounts(key, { limit: 1 })).items.length).toBe(1)
  })
})
