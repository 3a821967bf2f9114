import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import { serveThread } from '@orrery/storage/serve-thread'
import { type SlowReads, SqliteReader } from './reader.ts'
import { fileName } from './writer.ts'

/** What the thread is given. */
export interface SlowThreadOptions {
  folder: string
  /** Page cache, bytes. */
  cacheBytes: number
}

serveThread<SlowReads>(data => {
  const { folder, cacheBytes } = data as SlowThreadOptions
  const reader = new SqliteReader(openDatabase(join(folder, fileName), { readonly: true, cacheBytes }))
  /** Several calls may come in one turn, and each is to see what was committed before it was made. */
  const read = async <T>(work: () => Promise<T>): Promise<T> => {
    reader.release()
    return work()
  }
  return {
    backlinks: (...call) => read(() => reader.backlinks(...call)),
    linkingDids: (...call) => read(() => reader.linkingDids(...call)),
    join: (...call) => read(() => reader.join(...call)),
    joinCounts: (...call) => read(() => reader.joinCounts(...call)),
    sources: (...call) => read(() => reader.sources(...call)),
    sourcesByCount: (...call) => read(() => reader.sourcesByCount(...call)),
    accountTargets: (...call) => read(() => reader.accountTargets(...call)),
    dispose: () => reader[Symbol.dispose](),
  }
})
