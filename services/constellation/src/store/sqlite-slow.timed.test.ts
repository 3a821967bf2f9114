import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Change, TooBusyError } from '../store.ts'
import { accountsContract } from './testing/contract/accounts.ts'
import { filtersContract } from './testing/contract/filters.ts'
import { joinContract } from './testing/contract/join.ts'
import { linkingDidsContract } from './testing/contract/linking-dids.ts'
import { sourcesContract } from './testing/contract/sources.ts'
import { hide, likers, likes, noProgress, put, startMs } from './testing/test-index.ts'
import { openTestedSqlite } from './testing/tested-sqlite.ts'

// What takes long is read in a thread: here all that passes over anything.
const openApart = () => openTestedSqlite({ nearSteps: 0 })

accountsContract(openApart)
filtersContract(openApart)
joinContract(openApart)
linkingDidsContract(openApart)
sourcesContract(openApart)

it('pages that pass over very much are made elsewhere, and others are not', async () => {
  let threads = 0
  const count = (): unknown => threads++
  process.on('worker', count)
  onTestFinished(() => void process.off('worker', count))
  await using store = await openTestedSqlite({ nearSteps: 8 })
  const { reader } = store
  // Eight of hidden accounts between two that show, and more links of the first one.
  const names = ['a1', ...Array.from({ length: 8 }, (_, i) => `b${i}`), 'c1', 'a2', 'a3']
  await store.writer.apply([...names.map(name => put(name)), hide('b')], noProgress, startMs)
  const shown = async (reverse: boolean): Promise<string[]> =>
    (await reader.backlinks(likers, { limit: 9, reverse })).items.map(({ rkey }) => rkey)
  const before = await shown(false)
  expect(before).toHaveLength(4)
  expect(await shown(true)).toEqual(before.toReversed())
  expect((await reader.accountTargets(likers.target.split('/')[2]!, { limit: 9 })).items).toHaveLength(1)
  expect(threads).toBe(0)

  await store.writer.apply([put('b9')], noProgress, startMs)
  expect(await shown(false)).toEqual(before)
  expect(threads).toBe(1)
  expect(await shown(true)).toEqual(before.toReversed())
  const { items, total } = await reader.linkingDids(likers, { limit: 9 })
  expect([items.length, total]).toEqual([2, 3])
  expect((await reader.sources(likers.target)).map(({ source }) => source)).toEqual([likes])
})

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
    await using store = await openTestedSqlite({ nearSteps: 1_000 })
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

  it('hold up nothing else where a target has very many sources', async () => {
    await using store = await openTestedSqlite({ nearSteps: 1_000 })
    const target = 'https://many.example/'
    const links = Array.from({ length: 10_000 }, (_, i) => ({ path: `.${i}`, target }))
    const puts = ['a', 'b', 'c'].map((rkey): Change => {
      const record = { did: 'did:plc:a', collection: `org.example.${rkey}`, rkey }
      return { kind: 'put', record, rev: '', links }
    })
    await store.writer.apply(puts, noProgress, startMs)
    // The thread starts with the first one.
    const first = await store.reader.sourcesByCount(target, { limit: 1 })
    using delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await sleep(20)
    const from = performance.now()
    const second = await store.reader.sourcesByCount(target, { limit: 1, after: first.next })
    const ms = performance.now() - from
    expect([...first.items, ...second.items].map(({ source: { path } }) => path)).toEqual(['.0', '.1'])
    // A delay is noted in the turn behind it.
    await sleep(20)
    expect(delay.max / 1e6).toBeLessThan(ms / 2)
    expect(await store.reader.sources(target)).toHaveLength(30_000)
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
    await using store = await openTestedSqlite({ nearSteps: 0, slowIdleMs: 1 })
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
