import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openDatabase } from '@orrery/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { describeDocumentStore } from '../../test/document-store-contract.ts'
import { createMemoryDocumentStore } from './memory.ts'
import { openDocumentStore, type SqliteDocumentStoreOptions } from './sqlite.ts'

let folder: string
let files = 0
const newPath = (): string => join(folder, `${files++}.sqlite`)
const did = 'did:web:example.com'
const document = { did, json: '{}', fetchedAt: 1 }

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'document-store-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('in memory', () => {
  describeDocumentStore(maxDocuments =>
    createMemoryDocumentStore(maxDocuments === undefined ? {} : { maxDocuments }),
  )
})

describe('in SQLite', () => {
  describeDocumentStore(maxDocuments =>
    openDocumentStore(newPath(), {
      pruneInterval: 1,
      ...(maxDocuments === undefined ? {} : { maxDocuments }),
    }),
  )

  it('is there after opening again', async () => {
    const path = newPath()
    {
      await using store = openDocumentStore(path)
      store.put(document)
    }
    await using store = openDocumentStore(path)
    expect(store.get(did)).toEqual(document)
  })

  it('writes by itself, all that waits in one go', async () => {
    const path = newPath()
    await using store = openDocumentStore(path, { flushIntervalMs: 20 })
    for (let n = 0; n < 500; n++) store.put({ did: `did:web:${n}.test`, json: '{}', fetchedAt: n })
    expect(countIn(path)).toBe(0)
    await expect.poll(() => countIn(path), { interval: 10 }).toBe(500)
    expect(store.stats()).toEqual({ written: 500, pruned: 0, pending: 0 })
  })

  it('writes at once when too many wait', async () => {
    const path = newPath()
    await using store = openDocumentStore(path, { flushIntervalMs: 60_000, maxPending: 10 })
    for (let n = 0; n < 11; n++) store.put({ did: `did:web:${n}.test`, json: '{}', fetchedAt: n })
    expect(countIn(path)).toBe(11)
    expect(store.stats().pending).toBe(0)
  })

  it('keeps what a failed flush could not write, says so, and tries again', async () => {
    const path = newPath()
    const errors: Error[] = []
    const options: SqliteDocumentStoreOptions = { flushIntervalMs: 10, onError: error => errors.push(error) }
    await using store = openDocumentStore(path, options)
    const blocker = openDatabase(path)
    blocker.exec('ALTER TABLE document RENAME TO away')
    store.put(document)
    await expect.poll(() => errors.length, { interval: 5 }).toBe(1)
    expect(errors[0]).toMatchObject({ name: 'StorageError' })
    expect(() => store.flush()).toThrow(/write DID documents/)
    expect(store.get(did)).toEqual(document)
    blocker.exec('ALTER TABLE away RENAME TO document')
    blocker.close()
    store.put({ ...document, did: 'did:web:other.test' })
    await expect.poll(() => countIn(path), { interval: 5 }).toBe(2)
  })

  it('keeps to its limit where it cannot write, and lets go of what waited longest', async () => {
    const path = newPath()
    const errors: Error[] = []
    const options = { flushIntervalMs: 10, maxPending: 10, onError: (error: Error) => errors.push(error) }
    await using store = openDocumentStore(path, options)
    const blocker = openDatabase(path)
    blocker.exec("CREATE TRIGGER full BEFORE INSERT ON document BEGIN SELECT RAISE(ABORT, 'full'); END")
    const put = (n: number): void => store.put({ did: `did:web:${n}.test`, json: '{}', fetchedAt: n })
    for (let n = 0; n < 50; n++) put(n)
    expect(store.stats().pending).toBe(10)
    expect(store.get('did:web:39.test')).toBeUndefined()
    expect(store.get('did:web:40.test')?.fetchedAt).toBe(40)
    // It was tried once, and again some time, but not with each document.
    expect(errors).toHaveLength(1)
    await expect.poll(() => errors.length, { interval: 5 }).toBeGreaterThan(1)
    blocker.exec('DROP TRIGGER full')
    blocker.close()
    put(50)
    await expect.poll(() => countIn(path), { interval: 5 }).toBe(10)
  })

  it('refuses a file that is none of its own', () => {
    const path = newPath()
    const db = openDatabase(path)
    db.pragma('user_version = 99')
    db.close()
    expect(() => openDocumentStore(path)).toThrow(expect.objectContaining({ name: 'StorageError' }))
  })
})

function countIn(path: string): number {
  const db = openDatabase(path, { readonly: true })
  try {
    return db.prepare<[], { count: number }>('SELECT count(*) AS count FROM document').get()!.count
  } finally {
    db.close()
  }
}
