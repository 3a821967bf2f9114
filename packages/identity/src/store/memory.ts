import type { DocumentStore, StoredDocument } from './document-store.ts'

/**
 * Makes a store that lasts as long as the process. It says in the fewest words what a {@link DocumentStore} does.
 *
 * @param options.maxDocuments how many documents remain after a flush, the latest fetched. Default 100,000
 */
export function createMemoryDocumentStore(options: { maxDocuments?: number } = {}): DocumentStore {
  const { maxDocuments = 100_000 } = options
  const documents = new Map<string, StoredDocument>()
  const changed = new Set<string>()
  let disposed = false
  const stats = { written: 0, pruned: 0 }

  const flush = (): void => {
    for (const did of changed) if (documents.has(did)) stats.written += 1
    changed.clear()
    const excess = documents.size - maxDocuments
    if (excess <= 0) return
    const oldestFirst = [...documents.values()].toSorted((a, b) => a.fetchedAt - b.fetchedAt)
    for (const { did } of oldestFirst.slice(0, excess)) documents.delete(did)
    stats.pruned += excess
  }

  return {
    get: did => documents.get(did),
    put(document) {
      if (disposed) return
      documents.set(document.did, document)
      changed.add(document.did)
    },
    delete(did) {
      if (disposed) return
      documents.delete(did)
      changed.add(did)
    },
    flush,
    stats: () => ({ ...stats, pending: changed.size }),
    async [Symbol.asyncDispose]() {
      flush()
      disposed = true
    },
  }
}
