import { LRUCache } from 'lru-cache'

/** What was answered, ready to be answered again. */
export type Remembered = (
  | { kind: 'record'; body: string; bytes: number; cid: string; verified: boolean }
  | { kind: 'deleted' }
  /** A PDS's refusal, good until then (milliseconds since 1970). */
  | { kind: 'refused'; error: string; message: string; until: number }
) & {
  /** When a PDS said so, milliseconds since 1970; 0 where it was the firehose. */
  askedAt: number
}

/** What an entry takes besides its body: key, object, places in maps; by measurement about this. */
const overheadBytes = 500

/**
 * What was read lately, least recently used let go first, within a number of bytes. It is never newer than the store: who
 * changes that drops what changed here.
 */
export class MemoryTier {
  readonly #entries: LRUCache<string, Remembered>
  readonly #isOff: boolean
  /** The keys of each account. */
  readonly #byDid = new Map<string, Set<string>>()

  /** @param maxBytes 0 keeps nothing */
  constructor(maxBytes: number) {
    this.#isOff = maxBytes === 0
    this.#entries = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: entry => (entry.kind === 'record' ? entry.bytes : 0) + overheadBytes,
      dispose: (_entry, key) => this.#unlist(key),
      noDisposeOnSet: true,
    })
  }

  get(key: string): Remembered | undefined {
    return this.#entries.get(key)
  }

  /** @param key begins with the DID and a slash */
  set(key: string, entry: Remembered): void {
    if (this.#isOff) return
    const did = didOf(key)
    this.#entries.set(key, entry)
    if (!this.#entries.has(key)) return this.#unlist(key)
    const keys = this.#byDid.get(did)
    if (keys) keys.add(key)
    else this.#byDid.set(did, new Set([key]))
  }

  drop(key: string): void {
    this.#entries.delete(key)
  }

  dropAccount(did: string): void {
    for (const key of this.#byDid.get(did) ?? []) this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#byDid.clear()
  }

  stats(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#entries.calculatedSize }
  }

  #unlist(key: string): void {
    const did = didOf(key)
    const keys = this.#byDid.get(did)
    keys?.delete(key)
    if (keys?.size === 0) this.#byDid.delete(did)
  }
}

function didOf(key: string): string {
  return key.slice(0, key.indexOf('/'))
}
