import { join } from 'node:path'
import { openDatabase } from '@orrery/storage'
import { serveThread } from '@orrery/storage/serve-thread'
import { type Joins, SqliteReader } from './reader.ts'
import { fileName } from './writer.ts'

/** What the thread is given. */
export interface JoinThreadOptions {
  folder: string
  /** Page cache, bytes. */
  cacheBytes: number
}

serveThread<Joins>(data => {
  const { folder, cacheBytes } = data as JoinThreadOptions
  const reader = new SqliteReader(openDatabase(join(folder, fileName), { readonly: true, cacheBytes }))
  /** Several calls may come in one turn, and each is to see what was committed before it was made. */
  const read = async <T>(work: () => Promise<T>): Promise<T> => {
    reader.release()
    return work()
  }
  return {
    join: (...call) => read(() => reader.join(...call)),
    joinCounts: (...call) => read(() => reader.joinCounts(...call)),
    dispose: () => reader[Symbol.dispose](),
  }
})
