import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { array, asyncProperty, assert as check } from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryStore } from './memory.ts'
import { openSqliteStore, type SqliteStore } from './sqlite.ts'
import { describeStore } from './testing/contract.ts'
import { key, noProgress, put, rev, tell } from './testing/helpers.ts'
import { dids, names, step } from './testing/histories.ts'

let folder: string
let stores = 0
const newFolder = (): string => join(folder, `${stores++}`)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slingshot-store-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function open(at: string, budgetBytes = 1e9): Promise<SqliteStore> {
  return openSqliteStore({
    folder: at,
    budgetBytes,
    onFailure: error => {
      throw error
    },
  })
}

describe('in SQLite', () => {
  describeStore(options => open(newFolder(), options?.budgetBytes))

  it('is there after a restart, with its progress', async () => {
    const at = newFolder()
    const cursor = { source: 'wss://a', cursor: 7, time: '', seen: [] }
    {
      await using store = await open(at)
      await store.writer.apply([put('x', 1, 'one')], { ...noProgress, cursors: [cursor] })
    }
    await using store = await open(at)
    expect(tell(store.reader.get(key('x')))).toBe('one')
    expect(store.progress.cursor('wss://a')).toEqual(cursor)
    await store.writer.apply([put('x', 1, 'replay'), put('y', 0, 'older')], noProgress)
    expect(tell(store.reader.get(key('y')))).toBe('-')
  })

  it('removes a large deleted account in steps, also after a restart', async () => {
    const at = newFolder()
    {
      await using store = await open(at)
      await store.writer.apply(
        Array.from({ length: 5_000 }, (_, i) => put(`r${i}`, 1, 'one')),
        noProgress,
      )
      await store.writer.apply([{ kind: 'delete_account', did: 'did:plc:a' }], noProgress)
      expect(store.reader.stats().records).toBe(4_000)
      expect(tell(store.reader.get(key('r4999')))).toBe('(deleted)')
    }
    await using store = await open(at)
    await store.writer.apply(
      [{ kind: 'account', did: 'did:plc:a', status: null }, put('r4999', 2, 'new')],
      noProgress,
    )
    while (await store.writer.tidy());
    expect(store.reader.stats().records).toBe(1)
    expect(tell(store.reader.get(key('r4999')))).toBe('new')
  })

  it('reads what was tidied up at once, also in the turn of a read from before', async () => {
    await using store = await open(newFolder())
    const both = ['did:plc:a', 'did:plc:b'] as const
    const deletes = both.map(did => ({ kind: 'delete_account' as const, did }))
    // With the changes go those of the first account.
    await store.writer.apply([...both.map(did => put('x', 1, 'one', did)), ...deletes], noProgress)
    // From here on the answer of the writer comes before what is done behind all events of a turn.
    await new Promise(setImmediate)
    store.reader.get(key('x', both[1]))
    const tidied = store.writer.tidy()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    await tidied
    expect(store.reader.stats().records).toBe(0)
  })

  it('does not send the buffers behind its records to the writer', async () => {
    await using store = await open(newFolder())
    const large = Buffer.alloc(20_000_000)
    const json = large.subarray(100, 112)
    json.write('{"text":"1"}')
    const change = {
      kind: 'put' as const,
      record: key('x'),
      rev: rev(1),
      value: { cid: 'c', json, verified: false },
    }
    const before = process.memoryUsage().rss
    await store.writer.apply(
      Array.from({ length: 50 }, () => change),
      noProgress,
    )
    // 50 clones would be a gigabyte.
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000)
    expect(tell(store.reader.get(key('x')))).toBe('1')
    expect(json.length).toBe(12)
  })
})

it.each([1e9, 1_000])(
  'both answer the same after any history, with %i bytes',
  async budgetBytes => {
    await check(
      asyncProperty(array(step, { minLength: 1, maxLength: 25 }), async steps => {
        const at = newFolder()
        const memory = new MemoryStore({ budgetBytes })
        let sqlite = await open(at, budgetBytes)
        try {
          for (const one of steps) {
            if (one.do === 'apply') {
              await Promise.all([memory.apply(one.changes), sqlite.writer.apply(one.changes, noProgress)])
            } else if (one.do === 'fetched') {
              await Promise.all([memory.putFetched(one.fetched), sqlite.writer.putFetched(one.fetched)])
            } else if (one.do === 'tidy') await sqlite.writer.tidy()
            else {
              await sqlite[Symbol.asyncDispose]()
              sqlite = await open(at, budgetBytes)
            }
            for (const did of dids) {
              for (const name of names) {
                expect(tell(sqlite.reader.get(key(name, did)))).toBe(tell(memory.get(key(name, did))))
              }
            }
            while (await sqlite.writer.tidy());
            expect(sqlite.reader.stats()).toEqual(memory.stats())
          }
        } finally {
          await sqlite[Symbol.asyncDispose]()
          rmSync(at, { recursive: true, force: true })
        }
      }),
      { numRuns: 25 },
    )
  },
  120_000,
)
