import {
  type Database,
  isDiskFull,
  migrate,
  type Migration,
  openDatabase,
  toStorageError,
} from '@orrery/storage'

import type { DocumentStore, StoredDocument } from './document-store.ts'

/** Every field has a default. */
export type SqliteDocumentStoreOptions = {
  /** How long a change may wait to be written with others, in milliseconds. Default 250. */
  flushIntervalMs?: number
  /**
   * How many changes may wait; the next is written at once, with all before it. Where that fails, the oldest is let go.
   * Default 5,000.
   */
  maxPending?: number
  /** How many documents are kept, the latest fetched. Default 1,000,000, which is about 1 GB. */
  maxDocuments?: number
  /** After how many writes the limit is looked at, for counting takes milliseconds. Default 1,000. */
  pruneInterval?: number
  /**
   * Called when a timed flush fails; its changes stay and are tried again with the next. By default the error is thrown
   * where nobody catches it, which ends the process with its message: a disk that refuses this refuses all else.
   */
  onError?: (error: Error) => void
}

const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'documents',
    // An ordinary rowid table: SQLite advises against WITHOUT ROWID for rows of this size.
    sql: `
      CREATE TABLE document (did TEXT PRIMARY KEY, json TEXT NOT NULL, fetched_at INTEGER NOT NULL) STRICT;
      CREATE INDEX document_by_age ON document (fetched_at);
    `,
  },
]

/**
 * Opens a store of DID documents in a SQLite file, made if absent. Changes are collected and written in one transaction,
 * so that thousands of new documents a minute cost a few commits a second. One process at a time.
 *
 * @throws {StorageError} also from `get` and `flush`, when the file is damaged or the disk fails
 */
export function openDocumentStore(path: string, options: SqliteDocumentStoreOptions = {}): DocumentStore {
  const {
    flushIntervalMs = 250,
    maxPending = 5_000,
    maxDocuments = 1_000_000,
    pruneInterval = 1_000,
  } = options
  const { onError = rethrow } = options
  const db = openDatabase(path, { cacheBytes: 8 * 1024 * 1024 })
  try {
    migrate(db, migrations)
  } catch (error) {
    db.close()
    throw error
  }
  const statements = prepare(db)
  /** The last change of each DID since the last flush; null deletes. */
  const pending = new Map<string, StoredDocument | null>()
  const stats = { written: 0, pruned: 0 }
  let writtenSincePrune = 0
  let timer: NodeJS.Timeout | undefined
  let failing = false

  const prune = (): void => {
    const excess = statements.count.get()!.count - maxDocuments
    if (excess > 0) stats.pruned += statements.deleteOldest.run({ excess }).changes
  }

  const write = db.transaction((): number => {
    let documents = 0
    for (const [did, document] of pending) {
      if (document) {
        statements.upsert.run(document)
        documents += 1
      } else {
        statements.delete.run({ did })
      }
    }
    return documents
  })

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (pending.size === 0) return
    try {
      const documents = write.immediate()
      failing = false
      pending.clear()
      stats.written += documents
      writtenSincePrune += documents
      if (writtenSincePrune >= pruneInterval) {
        writtenSincePrune = 0
        prune()
      }
    } catch (error) {
      failing = true
      throw toStorageError(error, 'write DID documents', path)
    }
  }

  const flushInBackground = (): void => {
    try {
      flush()
    } catch (error) {
      onError(error as Error)
    }
  }

  const change = (did: string, document: StoredDocument | null): void => {
    if (!db.open) return
    pending.set(did, document)
    if (pending.size > maxPending && !failing) flushInBackground()
    else timer ??= setTimeout(flushInBackground, flushIntervalMs).unref()
    // Only where the disk refuses: what waited longest is let go.
    for (const oldest of pending.keys()) {
      if (pending.size <= maxPending) break
      pending.delete(oldest)
    }
  }

  return {
    get(did) {
      const waiting = pending.get(did)
      if (waiting !== undefined) return waiting ?? undefined
      try {
        return statements.get.get({ did })
      } catch (error) {
        throw toStorageError(error, 'read a DID document', path)
      }
    },
    put: document => change(document.did, document),
    delete: did => change(did, null),
    flush,
    stats: () => ({ ...stats, pending: pending.size }),
    async [Symbol.asyncDispose]() {
      if (!db.open) return
      try {
        flush()
      } catch (error) {
        // What does not fit is fetched again some time; stopping is not to fail of it.
        if (!isDiskFull(error)) throw error
      } finally {
        db.close()
      }
    },
  }
}

function prepare(db: Database) {
  return {
    get: db.prepare<{ did: string }, StoredDocument>(
      'SELECT did, json, fetched_at AS fetchedAt FROM document WHERE did = $did',
    ),
    upsert: db.prepare<StoredDocument>(
      `INSERT INTO document (did, json, fetched_at) VALUES ($did, $json, $fetchedAt)
       ON CONFLICT (did) DO UPDATE SET json = excluded.json, fetched_at = excluded.fetched_at`,
    ),
    delete: db.prepare<{ did: string }>('DELETE FROM document WHERE did = $did'),
    count: db.prepare<[], { count: number }>('SELECT count(*) AS count FROM document'),
    deleteOldest: db.prepare<{ excess: number }>(
      `DELETE FROM document WHERE did IN (SELECT did FROM document ORDER BY fetched_at LIMIT $excess)`,
    ),
  }
}

function rethrow(error: Error): never {
  throw error
}
