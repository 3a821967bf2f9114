import { expect, it } from 'vitest'

import type { DocumentStore } from '../src/store/document-store.ts'

const one = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const two = 'did:web:example.com'

/** What every {@link DocumentStore} does. `open` makes an empty one that keeps at most `maxDocuments`. */
export function describeDocumentStore(open: (maxDocuments?: number) => DocumentStore): void {
  it('knows nothing at first', async () => {
    await using store = open()
    expect(store.get(one)).toBeUndefined()
    store.delete(one)
    store.flush()
    expect(store.stats()).toEqual({ written: 0, pruned: 0, pending: 0 })
  })

  it('answers what was put, before and after a flush', async () => {
    await using store = open()
    const json = JSON.stringify({ id: one, text: 'ä – \u0000 – 𝄞' })
    store.put({ did: one, json, fetchedAt: 1_700_000_000_000 })
    expect(store.get(one)).toEqual({ did: one, json, fetchedAt: 1_700_000_000_000 })
    expect(store.stats()).toEqual({ written: 0, pruned: 0, pending: 1 })
    store.flush()
    expect(store.get(one)).toEqual({ did: one, json, fetchedAt: 1_700_000_000_000 })
    expect(store.get(two)).toBeUndefined()
    expect(store.stats()).toEqual({ written: 1, pruned: 0, pending: 0 })
  })

  it('keeps the last change of each DID', async () => {
    await using store = open()
    const put = (did: string, json: string, fetchedAt: number): void => store.put({ did, json, fetchedAt })
    put(one, '1', 10)
    put(one, '2', 5)
    put(two, '3', 1)
    store.delete(two)
    store.flush()
    expect([store.get(one)?.json, store.get(two)]).toEqual(['2', undefined])
    store.delete(one)
    expect(store.get(one)).toBeUndefined()
    put(two, '4', 1)
    store.flush()
    expect([store.get(one), store.get(two)?.json]).toEqual([undefined, '4'])
    store.delete(two)
    put(two, '5', 2)
    expect(store.get(two)?.json).toBe('5')
    store.flush()
    expect(store.get(two)).toEqual({ did: two, json: '5', fetchedAt: 2 })
  })

  it('keeps the latest fetched of too many', async () => {
    await using store = open(3)
    for (const n of [4, 1, 6, 3, 5, 2]) store.put({ did: `did:web:${n}.test`, json: '{}', fetchedAt: n })
    store.flush()
    expect([1, 2, 3, 4, 5, 6].filter(n => store.get(`did:web:${n}.test`))).toEqual([4, 5, 6])
    expect(store.stats()).toEqual({ written: 6, pruned: 3, pending: 0 })
    store.put({ did: 'did:web:4.test', json: '{}', fetchedAt: 9 })
    store.put({ did: 'did:web:7.test', json: '{}', fetchedAt: 7 })
    store.flush()
    expect([4, 5, 6, 7].filter(n => store.get(`did:web:${n}.test`))).toEqual([4, 6, 7])
  })

  it('ignores what comes after its disposal', async () => {
    const store = open()
    store.put({ did: one, json: '{}', fetchedAt: 1 })
    await store[Symbol.asyncDispose]()
    store.put({ did: two, json: '{}', fetchedAt: 1 })
    store.delete(one)
    await store[Symbol.asyncDispose]()
    expect(store.stats().pending).toBe(0)
  })
}
