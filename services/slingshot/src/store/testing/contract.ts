import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Change, Fetched } from '../../store.ts'
import {
  fetched,
  key,
  noProgress,
  type OpenStore,
  put,
  remove,
  rev,
  tell,
  type TestedStore,
  value,
} from './helpers.ts'

/** What every store must do. */
export function describeStore(open: OpenStore): void {
  let store: TestedStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store[Symbol.asyncDispose]())

  const apply = (...changes: Change[]): Promise<void> => store.writer.apply(changes, noProgress)
  const putFetched = (...all: Fetched[]): Promise<void> => store.writer.putFetched(all)
  const get = (name = 'x', did?: string): string => tell(store.reader.get(key(name, did)))

  it('knows nothing at first', () => {
    expect(get()).toBe('-')
    expect(store.reader.stats()).toEqual({ records: 0, bytes: 0, evicted: 0 })
  })

  it('keeps a record byte for byte', async () => {
    const json = Buffer.from('{"text":"é\\u0000 \\ud83d\\ude00","n":-0}')
    const record = { did: 'did:web:example.com', collection: 'a.b.c', rkey: '~:.-_A' }
    await apply({ kind: 'put', record, rev: rev(1), value: { cid: 'bafyx', json, verified: true } })
    const found = store.reader.get(record)
    expect(found).toMatchObject({ kind: 'record', cid: 'bafyx', verified: true })
    expect(found).toMatchObject({ json: json.toString() })
  })

  it('keeps the last version, and tells what was deleted', async () => {
    await apply(put('x', 1, 'one'), put('y', 1, 'other'))
    await apply(put('x', 2, 'two'))
    expect([get(), get('y')]).toEqual(['two', 'other'])
    await apply(remove('x', 3), remove('never', 3))
    expect([get(), get('never')]).toEqual(['deleted', 'deleted'])
    await apply(put('x', 4, 'three'))
    expect(get()).toBe('three')
    await apply({ kind: 'forget', record: key('x'), rev: rev(5) })
    expect(get()).toBe('-')
  })

  it('does not go back', async () => {
    await apply(put('x', 5, 'new'), remove('y', 5))
    await apply(put('x', 4, 'old'), put('y', 4, 'old'), remove('x', 3), put('z', 1, 'of before'))
    expect([get(), get('y'), get('z')]).toEqual(['new', 'deleted', '-'])
    await apply(put('x', 4, 'other account', 'did:plc:b'))
    expect(get('x', 'did:plc:b')).toBe('other account')
  })

  it('keeps what was fetched, and what comes after', async () => {
    await putFetched(fetched('x', 10, 'fetched'), fetched('y', 10, 'kept'))
    expect(get()).toBe('fetched')
    await apply(put('x', 11, 'newer'))
    expect([get(), get('y')]).toEqual(['newer', 'kept'])
  })

  it('forgets what was fetched when an event may be older or newer, and keeps it when it is the same', async () => {
    await putFetched(fetched('x', 10, 'fetched'), fetched('y', 10, 'same'), fetched('z', 10, 'z'))
    await apply(put('x', 9, 'older'), put('y', 10, 'same'), remove('z', 10))
    expect([get(), get('y'), get('z')]).toEqual(['-', 'same', '-'])
    // Of another record too: it may be older than what the account was seen to hold.
    await apply(put('w', 10, 'w'))
    expect(get('w')).toBe('-')
    await apply(put('w', 11, 'w'))
    expect(get('w')).toBe('w')
  })

  it('trusts what was distrusted once an event brings the same version', async () => {
    await putFetched(fetched('x', 10, 'same'), fetched('y', 10, null))
    await apply({ kind: 'sync', did: 'did:plc:a' })
    expect(get()).toBe('-')
    await apply(put('x', 10, 'same'))
    expect(get()).toBe('same')
    await apply(remove('x', 11), { kind: 'sync', did: 'did:plc:a' })
    expect(get()).toBe('-')
    await putFetched(fetched('z', 12, 'z'))
    await apply(remove('x', 12))
    expect([get(), get('z')]).toEqual(['deleted', 'z'])
  })

  it('has nothing of an account from before it was deleted, told once more in the same batch or not', async () => {
    await putFetched(fetched('x', 10, 'same'), fetched('y', 10, 'y'))
    await apply(
      { kind: 'delete_account', did: 'did:plc:a' },
      put('x', 10, 'same'),
      { kind: 'account', did: 'did:plc:a', status: null },
      put('y', 10, 'y'),
    )
    expect([get(), get('y')]).toEqual(['-', '-'])
  })

  it('knows after "no such record" that a put may be of before', async () => {
    await putFetched(fetched('x', 10, null))
    await apply(put('x', 9, 'of before'))
    expect(get()).toBe('-')
  })

  it('serves nothing of an account that is away, and trusts nothing of it when it is back', async () => {
    await apply(put('x', 1, 'one'))
    await apply({ kind: 'account', did: 'did:plc:a', status: 'deactivated' })
    expect([get(), get('unknown')]).toEqual(['(deactivated)', '(deactivated)'])
    await putFetched(fetched('x', 2, 'late'))
    await apply({ kind: 'account', did: 'did:plc:a', status: 'takendown' })
    expect(get()).toBe('(takendown)')
    await apply({ kind: 'account', did: 'did:plc:a', status: null })
    expect(get()).toBe('-')
    await apply(put('x', 3, 'two'), { kind: 'account', did: 'did:plc:a', status: null })
    expect(get()).toBe('two')
  })

  it('removes what a deleted account had', async () => {
    await apply(put('x', 1, 'one'), put('y', 1, 'one'), put('x', 1, 'stays', 'did:plc:ab'))
    await apply({ kind: 'delete_account', did: 'did:plc:a' })
    expect([get(), get('x', 'did:plc:ab')]).toEqual(['(deleted)', 'stays'])
    while (await store.writer.tidy());
    expect(store.reader.stats().records).toBe(1)
    await apply(
      { kind: 'account', did: 'did:plc:a', status: null },
      put('x', 1, 'replay'),
      put('y', 2, 'new'),
    )
    while (await store.writer.tidy());
    // The same rev again is the same commit.
    expect([get(), get('y')]).toEqual(['replay', 'new'])
  })

  it('distrusts an account after #sync, and everything after a gap', async () => {
    await apply(put('x', 1, 'one'), put('x', 1, 'one', 'did:plc:b'), {
      kind: 'account',
      did: 'did:plc:c',
      status: 'suspended',
    })
    await apply({ kind: 'sync', did: 'did:plc:a' })
    expect([get(), get('x', 'did:plc:b')]).toEqual(['-', 'one'])
    await apply(put('x', 2, 'two'))
    expect(get()).toBe('two')
    await apply({ kind: 'gap' })
    expect([get(), get('x', 'did:plc:b'), get('x', 'did:plc:c')]).toEqual(['-', '-', '-'])
    await apply(put('x', 3, 'three'))
    await putFetched(fetched('x', 3, 'fetched', 'did:plc:b'))
    expect([get(), get('x', 'did:plc:b')]).toEqual(['three', 'fetched'])
  })

  it('applies changes in their order, also of one batch', async () => {
    await apply(put('x', 1, 'one'), remove('x', 2), put('x', 3, 'two'), remove('y', 3), put('y', 4, 'y'))
    expect([get(), get('y')]).toEqual(['two', 'y'])
    expect(store.reader.stats().records).toBe(2)
  })

  describe('with a budget', () => {
    it('lets go of what came longest ago', async () => {
      await using small = await open({ budgetBytes: 1_000 })
      for (let i = 0; i < 50; i++) await small.writer.apply([put(`r${i}`, i, `${i}`)], noProgress)
      const kept = Array.from({ length: 50 }, (_, i) => tell(small.reader.get(key(`r${i}`))))
      const { records, bytes, evicted } = small.reader.stats()
      expect(bytes).toBeLessThanOrEqual(1_000)
      expect(records).toBeGreaterThan(5)
      expect(evicted).toBe(50 - records)
      expect(kept.slice(-records)).toEqual(Array.from({ length: records }, (_, i) => `${50 - records + i}`))
      expect(new Set(kept.slice(0, -records))).toEqual(new Set(['-']))
    })

    it('does not grow when the same is put again, and holds nothing larger than itself', async () => {
      await using small = await open({ budgetBytes: 1_000 })
      for (let i = 0; i < 50; i++) await small.writer.apply([put('x', i, `${i}`)], noProgress)
      expect(small.reader.stats()).toMatchObject({ records: 1, evicted: 0 })
      await small.writer.apply([put('x', 60, 'x'.repeat(2_000))], noProgress)
      expect(tell(small.reader.get(key('x')))).toBe('-')
      expect(small.reader.stats()).toEqual({ records: 0, bytes: 0, evicted: 1 })
    })
  })

  it('counts what it holds', async () => {
    await apply(put('x', 1, 'one'), remove('y', 1))
    const { bytes } = store.reader.stats()
    await putFetched({ ...fetched('z', 1, null), value: value('fetched', true) })
    expect(store.reader.stats().records).toBe(3)
    expect(store.reader.stats().bytes).toBeGreaterThan(bytes)
    expect(store.reader.get(key('z'))).toMatchObject({ verified: true })
  })
}
