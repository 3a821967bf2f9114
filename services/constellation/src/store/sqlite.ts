import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose/progress'
import { openDatabase, startThread, type StorageError } from '@orrery/storage'
import type { LinkReader, LinkWriter } from '../store.ts'
import { BatchPacker, packed } from './sqlite/batch.ts'
import { SqliteReader } from './sqlite/reader.ts'
import { Series, type SeriesApi } from './sqlite/series.ts'
import { SlowReader } from './sqlite/slow-reader.ts'
import { Version } from './sqlite/version.ts'
import { fileName, type WriterOptions } from './sqlite/writer.ts'

export interface SqliteStoreOptions {
  folder: string
  /** Page cache of the writer, bytes. Default 8 MiB: it goes through what changes in order. */
  writeCacheBytes?: number
  /** Page cache of the reader, bytes. Default 12 MiB. */
  readCacheBytes?: number
  /** Page cache of the thread that reads what takes long, while somebody asks for that; bytes. Default 16 MiB. */
  slowCacheBytes?: number
  /** Called when a thread dies: own state is broken, and the process must stop. */
  onFailure: (error: StorageError) => void
}

/** The index on disk. Disposing it ends its threads and closes the file. */
export interface SqliteStore extends AsyncDisposable {
  readonly writer: LinkWriter
  readonly reader: LinkReader
  /** What was saved with the changes, as the firehose asks for it. */
  readonly progress: ReturnType<typeof prepareReadProgress>
}

const MIB = 1024 * 1024

/** Opens the index in a folder, which is created: a writer in its own thread, a reader in this one, and what takes long in a third. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { folder, writeCacheBytes = 8 * MIB, readCacheBytes = 12 * MIB, onFailure } = options
  const slowCacheBytes = options.slowCacheBytes ?? 16 * MIB
  await using cleanUp = new AsyncDisposableStack()
  const version = new Version()
  const thread = cleanUp.use(
    await startThread<SeriesApi>(new URL('./sqlite/writer-thread.ts', import.meta.url), {
      name: 'link-writer',
      workerData: { folder, cacheBytes: writeCacheBytes, version: version.shared } satisfies WriterOptions,
      onFailure,
    }),
  )
  const db = openDatabase(join(folder, fileName), { readonly: true, cacheBytes: readCacheBytes })
  const slow = cleanUp.use(new SlowReader({ folder, cacheBytes: slowCacheBytes, onFailure }))
  const reader = cleanUp.use(new SqliteReader(db, { slow, version }))
  const progress = prepareReadProgress(db)
  /** What was written is read from the moment that its writer knows it was. */
  const seen = async <T>(writing: Promise<T>): Promise<T> => {
    const result = await writing
    reader.release()
    return result
  }
  const series = new Series()
  const owned = cleanUp.move()
  return {
    reader,
    progress,
    writer: {
      batch: () => new BatchPacker(),
      gather(changes, timeMs) {
        const batch = packed(changes)
        return series.call(made =>
          thread.callTransferring([batch.bytes.buffer], 'gather', made, batch, timeMs),
        )
      },
      apply(changes, upstream, timeMs) {
        const batch = packed(changes)
        return seen(
          series.call(made =>
            thread.callTransferring([batch.bytes.buffer], 'apply', made, batch, upstream, timeMs),
          ),
        )
      },
      tidy: () => seen(thread.call('tidy')),
      [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
