import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareReadProgress } from '@orrery/firehose/progress'
import { openDatabase } from '@orrery/storage'
import { SqliteReader } from '../sqlite/reader.ts'
import { fileName, openWriter, type WriterOptions } from '../sqlite/writer.ts'
import type { TestedStore } from './tested-store.ts'

/** Opens an empty index in SQLite, its writer in this thread, which is quicker to start. Its folder goes with it. */
export async function openTestedSqlite(options: Partial<WriterOptions> = {}): Promise<TestedStore> {
  return openIn({ folder: await mkdtemp(join(tmpdir(), 'links-')), cacheBytes: 1024 * 1024, ...options })
}

async function openIn(options: WriterOptions): Promise<TestedStore> {
  const { folder } = options
  const writer = openWriter(options)
  const db = openDatabase(join(folder, fileName), { readonly: true })
  const reader = new SqliteReader(db)
  const close = (): void => {
    reader[Symbol.dispose]()
    writer.dispose()
  }
  return {
    reader,
    progress: prepareReadProgress(db),
    writer: {
      apply: async (...call) => writer.apply(...call),
      tidy: async () => writer.tidy(),
      [Symbol.asyncDispose]: async () => {},
    },
    async reopen() {
      close()
      return openIn(options)
    },
    async [Symbol.asyncDispose]() {
      close()
      await rm(folder, { recursive: true })
    },
  }
}
