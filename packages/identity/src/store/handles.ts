import type { DocumentStore } from './document-store.ts'

/** The DID that a handle named, and when that was asked, in milliseconds since 1970. */
export type KnownHandle = { did: string; fetchedAt: number }

/** Keeps handles between runs. */
export type HandleStore = {
  get(handle: string): KnownHandle | undefined
  put(handle: string, known: KnownHandle): void
  delete(handle: string): void
}

/** Keeps handles in a document store of their own: it holds dated texts by name, and a DID is one. */
export function handlesIn(store: Pick<DocumentStore, 'get' | 'put' | 'delete'>): HandleStore {
  return {
    get(handle) {
      const stored = store.get(handle)
      return stored && { did: stored.json, fetchedAt: stored.fetchedAt }
    },
    put: (handle, { did, fetchedAt }) => store.put({ did: handle, json: did, fetchedAt }),
    delete: handle => store.delete(handle),
  }
}
