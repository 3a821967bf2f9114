import { join } from 'node:path'
import { createHasher } from '@orrery/hll'
import { prepareReadProgress } from '@orrery/firehose/progress'
import { openDatabase, startThread, type StorageError } from '@orrery/storage'
import { samplesKept, type Change, type UfosReader, type UfosWriter } from '../store.ts'
import { BatchPacker, buffersOf } from './sqlite/batch.ts'

import { fileName, type StoreApi, type StoreOptions } from './sqlite/store.ts'

export interface SqliteStoreOptions {
  folder: string
  /** Collections beyond the first so many are counted as one. Default 50,000. */
  maxCollections?: number
  /** Samples that each collection keeps. Default 512. */
  samplesKept?: number
  /** Bytes that all samples may have together: their JSON, and 200 for each. Default 1 GiB. */
  samplesBytes?: number
  /** How long what was counted may be in the journal only, milliseconds. Default a minute. */
  foldEveryMs?: number
  /** Page cache, bytes. Default 32 MiB. */
  cacheBytes?: number
  /** Called when the thread dies: own state is broken, and the process must stop. */
  onFailure: (error: StorageError) => void
}

/** The store on disk. Disposing it ends its thread and closes the file. */
export interface SqliteStore extends AsyncDisposable {
  readonly writer: UfosWriter
  readonly reader: UfosReader
  /** What was saved with the counts, as the firehose asks for it. */
  readonly progress: ReturnType<typeof prepareReadProgress>
}

/**
 * Opens the store in a folder, which is created. One thread does everything: it holds in memory what is being counted, so
 * that what is committed is what readers see.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { folder, onFailure } = options
  await using cleanUp = new AsyncDisposableStack()
  const thread = cleanUp.use(
    await startThread<StoreApi>(new URL('./sqlite/store-thread.ts', import.meta.url), {
      name: 'ufos-store',
      workerData: {
        folder,
        maxCollections: options.maxCollections ?? 50_000,
        samplesKept: options.samplesKept ?? samplesKept,
        samplesBytes: options.samplesBytes ?? 1024 * 1024 * 1024,
        foldEveryMs: options.foldEveryMs ?? 60_000,
        cacheBytes: options.cacheBytes ?? 32 * 1024 * 1024,
      } satisfies StoreOptions,
      onFailure,
    }),
  )
  const db = openDatabase(join(folder, fileName), { readonly: true, cacheBytes: 2 * 1024 * 1024 })
  cleanUp.defer(() => void db.close())
  const progress = prepareReadProgress(db)
  const elementOf = createHasher(await thread.call('secret'))
  const owned = cleanUp.move()
  return {
    progress,
    reader: {
      stats: () => thread.call('stats'),
      counts: (nsids, window) => thread.call('counts', nsids, window),
      list: query => thread.call('list', query),
      ranked: query => thread.call('ranked', query),
      prefix: query => thread.call('prefix', query),
      series: query => thread.call('series', query),
      search: query => thread.call('search', query),
      trending: query => thread.call('trending', query),
      samples: query => thread.call('samples', query),
      active: limit => thread.call('active', limit),
    },
    writer: {
      batch: () => new BatchPacker(elementOf),
      async apply(changes, upstream) {
        const batch = changes instanceof BatchPacker ? changes : new BatchPacker(elementOf)
        if (batch !== changes) for (const change of changes as readonly Change[]) batch.add(change)
        const columns = batch.copy()
        await thread.callTransferring(buffersOf(columns), 'apply', columns, upstream)
        batch.clear()
      },
      tidy: () => thread.call('tidy'),
      [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
