import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose/progress'
import { openDatabase } from '@orrery/storage'
import { BatchPacker, packed } from '../sqlite/batch.ts'
import { SqliteReader } from '../sqlite/reader.ts'
import { SlowReader } from '../sqlite/slow-reader.ts'
import { fileName, openWriter, type WriterOptions } from '../sqlite/writer.ts'
import type { TestedStore } from './tested-store.ts'

/** Opens an empty index in SQLite, its writer in this thread, which is quicker to start. Its folder goes with it. */
export async function openTestedSqlite(options: Partial<TestedOptions> = {}): Promise<TestedStore> {
  return openIn({ folder: await mkdtemp(join(tmpdir(), 'links-')), cacheBytes: 1024 * 1024, ...options })
}

interface TestedOptions extends WriterOptions {
  /** Reads what takes more steps than this in a thread. */
  nearSteps?: number
  /** How long that thread waits for another one, milliseconds. */
  slowIdleMs?: number
}

async function openIn(options: TestedOptions): Promise<TestedStore> {
  const { folder } = options
  const writer = openWriter(options)
  const db = openDatabase(join(folder, fileName), { readonly: true })
  const slow = new SlowReader({
    folder,
    cacheBytes: 1024 * 1024,
    idleMs: options.slowIdleMs,
    onFailure(error) {
      throw error
    },
  })
  const { nearSteps } = options
  const reader = new SqliteReader(db, nearSteps === undefined ? {} : { slow, nearSteps })
  const close = async (): Promise<void> => {
    await slow[Symbol.asyncDispose]()
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
