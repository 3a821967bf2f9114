import { join } from 'node:path'
import { createHasher } from '@orrery/hll'
import { migrate, openDatabase } from '@orrery/storage'
import { BatchPacker } from '../sqlite/batch.ts'
import { migrations } from '../sqlite/schema.ts'
import type { UfosReader } from '../../store.ts'
import { fileName, openStore } from '../sqlite/store.ts'
import { openSqliteStore, type SqliteStore } from '../sqlite.ts'
import { noProgress, type TestedOptions, type TestedStore } from './helpers.ts'

/** The store on disk under test; `tidy` folds the journal each time. */
export async function openTested(
  folder: string,
  options: TestedOptions = {},
): Promise<TestedStore & { store: SqliteStore }> {
  const store = await openSqliteStore({
    folder,
    foldEveryMs: 0,
    ...options,
    onFailure: error => {
      throw error
    },
  })
  return {
    store,
    reader: store.reader,
    apply: changes => store.writer.apply(changes, noProgress),
    async tidy() {
      while (await store.writer.tidy());
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

/** The same in this thread, which is there sooner. */
export function openHere(folder: string, options: TestedOptions = {}): TestedStore {
  const store = openStore({
    folder,
    maxCollections: 50_000,
    samplesKept: 512,
    samplesBytes: 1024 * 1024,
    foldEveryMs: 0,
    cacheBytes: 4 * 1024 * 1024,
    ...options,
  })
  const batch = new BatchPacker(createHasher(store.secret()))
  const reader: UfosReader = {
    stats: async () => store.stats(),
    counts: async (nsids, window) => store.counts(nsids, window),
    list: async query => store.list(query),
    ranked: async query => store.ranked(query),
    prefix: async query => store.prefix(query),
    series: async query => store.series(query),
    search: async query => store.search(query),
    trending: async query => store.trending(query),
    samples: async query => store.samples(query),
    active: async limit => store.active(limit),
  }
  return {
    reader,
    apply: changes => {
      for (const change of changes) batch.add(change)
      const columns = batch.copy()
      batch.clear()
      return Promise.resolve(store.apply(columns, noProgress))
    },
    tidy: () => {
      while (store.tidy());
      return Promise.resolve()
    },
    [Symbol.asyncDispose]: () => Promise.resolve(store.dispose()),
  }
}

/** Makes the file of a store with a secret that is always the same, so that estimates are. */
export function createWithSecret(folder: string, secret: number): void {
  const db = openDatabase(join(folder, fileName))
  migrate(db, migrations)
  db.prepare('INSERT INTO store VALUES (1, ?, 0, 0)').run(Buffer.alloc(16, secret))
  db.close()
}
