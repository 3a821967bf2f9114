import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose/progress'
import { openDatabase } from '@orrery/storage'
import { BatchPacker, packed } from '../sqlite/batch.ts'
import { JoinThread } from '../sqlite/joins.ts'
import { SqliteReader } from '../sqlite/reader.ts'
import { fileName, openWriter, type WriterOptions } from '../sqlite/writer.ts'
import type { TestedStore } from './tested-store.ts'

/** Opens an empty index in SQLite, its writer in this thread, which is quicker to start. Its folder goes with it. */
export async function openTestedSqlite(options: Partial<TestedOptions> = {}): Promise<TestedStore> {
  return openIn({ folder: await mkdtemp(join(tmpdir(), 'links-')), cacheBytes: 1024 * 1024, ...options })
}

interface TestedOptions extends WriterOptions {
  /** Makes the joins of lists with more places than this in a thread. */
  nearSlots?: number
  /** How long that thread waits for another one, milliseconds. */
  joinIdleMs?: number
}

async function openIn(options: TestedOptions): Promise<TestedStore> {
  const { folder } = options
  const writer = openWriter(options)
  const db = openDatabase(join(folder, fileName), { readonly: true })
  const joins = new JoinThread({
    folder,
    cacheBytes: 1024 * 1024,
    idleMs: options.joinIdleMs,
    onFailure(error) {
      throw error
    },
  })
  const { nearSlots } = options
  const reader = new SqliteReader(db, nearSlots === undefined ? {} : { joins, nearSlots })
  const close = async (): Promise<void> => {
    await joins[Symbol.asyncDispose]()
    reader[Symbol.dispose]()
    writer.dispose()
  }
  return {
    reader,
    progress: prepareReadProgress(db),
    writer: {
      batch: () => new BatchPacker(),
      gather: async (changes, timeMs) => writer.gather(packed(changes), timeMs),
      apply: async (changes, ...call) => {
        writer.apply(packed(changes), ...call)
        reader.release()
      },
      tidy: async () => {
        const isMore = writer.tidy()
        reader.release()
        return isMore
      },
      [Symbol.asyncDispose]: async () => {},
    },
    async reopen() {
      await close()
      return openIn(options)
    },
    async [Symbol.asyncDispose]() {
      await close()
      await rm(folder, { recursive: true })
    },
  }
}
