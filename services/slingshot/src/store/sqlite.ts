import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose/progress'
import { openDatabase, startThread, type StorageError } from '@orrery/storage'
import type { RecordReader, RecordWriter } from '../store.ts'
import { packChanges, packFetched } from './sqlite/pack.ts'
import { SqliteReader } from './sqlite/reader.ts'
import { fileName, type WriterApi, type WriterOptions } from './sqlite/writer.ts'

export interface SqliteStoreOptions {
  folder: string
  budgetBytes: number
  /** Page cache of the writer, bytes. Default 32 MiB. */
  writeCacheBytes?: number
  /** Page cache of the reader, bytes. Default 16 MiB. */
  readCacheBytes?: number
  /** Called when the writer's thread dies: own state is broken, and the process must stop. */
  onFailure: (error: StorageError) => void
}

/** The cache on disk. Disposing it ends the writer's thread and closes the file. */
export interface SqliteStore extends AsyncDisposable {
  readonly writer: RecordWriter
  readonly reader: RecordReader
  /** What was saved with the changes, as the firehose asks for it. */
  readonly progress: ReturnType<typeof prepareReadProgress>
}

const MIB = 1024 * 1024

/** Opens the cache in a folder, which is created: a writer in its own thread, a reader in this one. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { folder, budgetBytes, writeCacheBytes = 32 * MIB, readCacheBytes = 16 * MIB, onFailure } = options
  await using cleanUp = new AsyncDisposableStack()
  const thread = cleanUp.use(
    await startThread<WriterApi>(new URL('./sqlite/writer-thread.ts', import.meta.url), {
      name: 'record-writer',
      workerData: { folder, budgetBytes, cacheBytes: writeCacheBytes } satisfies WriterOptions,
      onFailure,
    }),
  )
  const db = openDatabase(join(folder, fileName), { readonly: true, cacheBytes: readCacheBytes })
  const reader = cleanUp.use(new SqliteReader(db))
  const progress = prepareReadProgress(db)
  const owned = cleanUp.move()
  return {
    reader,
    progress,
    writer: {
      async apply(changes, upstream) {
        const { packed, buffer } = packChanges(changes)
        await thread.callTransferring([buffer], 'apply', packed, upstream)
        reader.changed(changes)
      },
      async putFetched(fetched) {
        const { packed, buffer } = packFetched(fetched)
        await thread.callTransferring([buffer], 'putFetched', packed)
        reader.fetched(fetched)
      },
      async tidy() {
        const isMore = await thread.call('tidy')
        // Reads of one turn share a state, which may be the one from before.
        reader.changed([])
        return isMore
      },
      [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
