import { LRUCache } from 'lru-cache'

/** Some minutes of the network, at 100 bytes each. */
const remembered = 50_000

/**
 * The names of the newest events, of whichever source: what another Jetstream, asked to begin a little earlier, sends of
 * them once more.
 */
export class RecentNames {
  #names = new LRUCache<string, true>({ max: remembered })

  /** Remembers a name; false where it was known already. */
  add(name: string): boolean {
    if (this.#names.has(name)) return false
    this.#names.set(name, true)
    return true
  }
}
