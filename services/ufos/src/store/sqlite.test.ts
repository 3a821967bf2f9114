import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStore } from './testing/contract.ts'
import {
  create,
  creates,
  noProgress,
  remove,
  removeAccount,
  startHour,
  tell,
  type TestedStore,
  timeOf,
  update,
} from './testing/helpers.ts'
import { createWithSecret, openHere, openTested } from './testing/tested-sqlite.ts'

let folder: string
let stores = 0
const newFolder = (): string => join(folder, `${stores++}`)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ufos-store-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('in SQLite', () => {
  describeStore(options => {
    const at = newFolder()
    // One estimate in 5,000 is off by more than the contract allows; with this secret none of them is.
    createWithSecret(at, 7)
    return openTested(at, options)
  })

  it('opens again where nothing was ever applied', async () => {
    const at = newFolder()
    for (let i = 0; i < 3; i++) {
      await using store = openHere(at)
      expect((await store.reader.stats()).collections).toBe(0)
    }
    await using store = openHere(at)
    await store.apply([create('a.a.a', 1)])
    expect((await store.reader.stats()).creates).toBe(1)
  })

  it('is there after a restart, with its progress, folded or not', async () => {
    const at = newFolder()
    createWithSecret(at, 7)
    const cursor = { source: 'wss://a', cursor: 7, time: '', seen: [] }
    const window = { since: startHour, until: startHour + 24 }
    for (let round = 1; round <= 4; round++) {
      await using store = await openTested(at)
      await store.store.writer.apply([...creates('a.a.a', round * 200, 200), create('a.a.b', 1)], {
        ...noProgress,
        cursors: [{ ...cursor, cursor: round }],
      })
      if (round === 2) await store.tidy()
      const [all] = await store.reader.counts(['a.a.a'], undefined)
      const [day] = await store.reader.counts(['a.a.a'], window)
      expect(all).toEqual(day)
      expect(all!.creates).toBe(round * 200)
      expect(Math.abs(all!.dids / (round * 200) - 1)).toBeLessThan(0.02)
      expect(await store.reader.counts(['a.a.b'], window)).toEqual([
        { creates: round, updates: 0, deletes: 0, dids: 1 },
      ])
      expect(store.store.progress.cursor('wss://a')).toEqual({ ...cursor, cursor: round })
    }
  })

  it('has all that was committed after a kill, counted once, and the same after the next', async () => {
    const at = newFolder()
    createWithSecret(at, 7)
    await using store = openHere(at)
    const window = { since: startHour, until: startHour + 24 }
    const look = async ({ reader }: TestedStore) => [
      await reader.counts(['a.a.a', 'a.a.b'], undefined),
      await reader.counts(['a.a.a', 'a.a.b'], window),
      await reader.list({ window: undefined, limit: 9 }),
      await reader.samples({ collections: ['a.a.a', 'a.a.b'], limit: 999 }),
    ]
    await store.apply(creates('a.a.a', 0, 300))
    await store.tidy()
    await store.apply([...creates('a.a.a', 200, 300, 2), create('a.a.b', 1)])
    await store.apply([create('a.a.b', 2, { hour: 30 }), removeAccount(1)])
    const before = await look(store)
    // What is on the disk is what a kill would leave.
    const copies = [newFolder(), newFolder()] as const
    cpSync(at, copies[0], { recursive: true })
    await using killed = openHere(copies[0])
    expect(await look(killed)).toEqual(before)
    cpSync(copies[0], copies[1], { recursive: true })
    await using again = openHere(copies[1])
    await again.tidy()
    expect(await look(again)).toEqual(before)
  })

  it('hides removed accounts after a restart too, and removes what they had', async () => {
    const at = newFolder()
    {
      await using store = await openTested(at)
      for (let i = 0; i < 250; i++) await store.apply([create(`a.a.c${i}`, 1), create(`a.a.c${i}`, 2)])
      await store.apply([removeAccount(1)])
      expect((await store.reader.stats()).samples).toBe(500)
    }
    await using store = await openTested(at)
    const samples = async () =>
      tell(await store.reader.samples({ collections: ['a.a.c0', 'a.a.c249'], limit: 9 }))
    expect(await samples()).toEqual(['2:x', '2:x'])
    await store.tidy()
    expect(await samples()).toEqual(['2:x', '2:x'])
    expect((await store.reader.stats()).samples).toBe(250)
  })

  it('knows after a kill what samples take, and drops the oldest where that is too much', async () => {
    const at = newFolder()
    const all = { collections: ['a.a.a', 'a.a.b'], limit: 999 }
    const total = async ({ reader }: TestedStore) => {
      const samples = await reader.samples(all)
      const bytes = samples.reduce((sum, { json }) => sum + Buffer.byteLength(json) + 200, 0)
      const { samples: count, sampleBytes } = await reader.stats()
      expect([count, sampleBytes]).toEqual([samples.length, bytes])
      return samples.length
    }
    await using store = openHere(at)
    await store.apply([...creates('a.a.a', 0, 30), ...creates('a.a.b', 0, 10, 5)])
    await store.tidy()
    await store.apply([
      ...creates('a.a.b', 10, 20, 7),
      remove('a.a.a', 3),
      update('a.a.a', 4, { text: 'longer' }),
    ])
    expect(await total(store)).toBe(59)
    const copies = [newFolder(), newFolder(), newFolder()] as const
    cpSync(at, copies[0], { recursive: true })
    {
      await using killed = openHere(copies[0])
      expect(await total(killed)).toBe(59)
      // Also of what is removed beside the journal.
      await killed.apply([removeAccount(5)])
      await killed.tidy()
      cpSync(copies[0], copies[1], { recursive: true })
      await using again = openHere(copies[1])
      expect(await total(again)).toBe(57)
    }
    // What one hour has goes together, the oldest first, whatever its collection.
    await using small = openHere(copies[0], { samplesBytes: 25 * 220 })
    await small.tidy()
    expect(await total(small)).toBe(20)
    const left = await small.reader.samples(all)
    expect(left.every(({ timeUs }) => timeUs === timeOf(7))).toBe(true)
    expect(await small.reader.counts(['a.a.a'], undefined)).toMatchObject([{ creates: 30 }])
    await small.apply(creates('a.a.a', 100, 40, 9))
    await small.tidy()
    expect(await total(small)).toBe(0)
  })

  it('keeps some more than it says, so that a new one does not rewrite the page of an old one each time', async () => {
    await using store = openHere(newFolder(), { samplesKept: 16 })
    const kept = async () => (await store.reader.samples({ collections: ['a.a.a'], limit: 99 })).length
    const seen: number[] = []
    for (let i = 0; i < 5; i++) {
      await store.apply(creates('a.a.a', i * 20, i === 0 ? 16 : 1, i))
      seen.push(await kept())
    }
    expect(seen).toEqual([16, 17, 18, 16, 17])
  })

  it('does not send the buffers behind its records to the thread', async () => {
    await using store = await openTested(newFolder())
    const large = Buffer.alloc(20_000_000)
    const json = large.subarray(100, 112)
    json.write('{"text":"1"}')
    const before = process.memoryUsage().rss
    await store.apply(
      Array.from({ length: 50 }, (_, i) => ({ ...create('a.a.a', i), json }) as ReturnType<typeof create>),
    )
    // 50 clones would be a gigabyte.
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000)
    expect(json.length).toBe(12)
  })
})
