/** A DID document as it is kept. Only its text: what is read from it is read again, so a better reader needs no migration. */
export type StoredDocument = {
  did: string
  /** The JSON text of the document. */
  json: string
  /** When it was asked for, in milliseconds since 1970. */
  fetchedAt: number
}

/**
 * Keeps DID documents between runs. All of it is synchronous and cheap, so that it can stand in the path of every event.
 * What it holds is a copy of what the network has: losing the newest writes in a crash costs a look-up each. After
 * disposal, changes are ignored.
 */
export type DocumentStore = AsyncDisposable & {
  /** The newest document put under this DID, at once, written or not. */
  get(did: string): StoredDocument | undefined
  /** Puts a document in the place of the one before. Written within the store's flush interval. */
  put(document: StoredDocument): void
  /** Forgets a DID; nothing happens if it is not there. */
  delete(did: string): void
  /** Writes what is not written yet, and removes the oldest documents beyond the store's limit. */
  flush(): void
  stats(): DocumentStoreStats
}

/** Counters of a {@link DocumentStore}. */
export type DocumentStoreStats = {
  /** Documents that a flush has brought to where they last. */
  written: number
  /** Documents removed because there were too many. */
  pruned: number
  /** Changes that the next flush will write. */
  pending: number
}
