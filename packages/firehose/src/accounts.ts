import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { AccountChange, AccountState, Notice } from './events.ts'
import type { ProgressStore } from './progress/store.ts'

/**
 * How many accounts and fingerprints are remembered over the store. It must exceed what can be underway between an event
 * and its commit, as until then the store does not know it: the pipeline holds a tenth of this at the most.
 */
const remembered = 100_000

const unknown: AccountState = { rev: '', data: '', active: true, status: undefined }

/**
 * The accounts' states as of the newest event, whether or not it is stored yet: a memory over the store, and the list of
 * what changed since it was last asked.
 */
export class AccountBook {
  #store: ProgressStore
  #states = new LRUCache<string, AccountState>({ max: remembered })
  #fingerprints = new LRUCache<string, true>({ max: remembered })
  #changed = new Map<string, AccountState>()
  #notices: Notice[] = []

  constructor(store: ProgressStore) {
    this.#store = store
  }

  /** The account's state; one that was never seen is active and has no rev. */
  get(did: string): AccountState {
    const state = this.#states.get(did)
    if (state) return state
    const stored = this.#store.account(did) ?? unknown
    this.#states.set(did, stored)
    return stored
  }

  set(did: string, state: AccountState): void {
    this.#states.set(did, state)
    this.#changed.set(did, state)
  }

  /** Remembers a fingerprint; false where it was known already. */
  notice(print: string, seenAt: number): boolean {
    if (this.#fingerprints.has(print) || this.#store.noticed(print)) return false
    this.#fingerprints.set(print, true)
    this.#notices.push({ fingerprint: print, seenAt })
    return true
  }

  /** Hands over what changed since the last call. */
  takeChanges(): { accounts: AccountChange[]; notices: Notice[] } {
    const accounts = Array.from(this.#changed, ([did, state]) => ({ did, ...state }))
    const notices = this.#notices
    this.#changed.clear()
    this.#notices = []
    return { accounts, notices }
  }
}

/** A short fingerprint of an event's telling parts: 16 bytes of sha2-256 in base64url. */
export function fingerprint(...parts: readonly string[]): string {
  return hash('sha256', parts.join('\n'), 'buffer').toString('base64url', 0, 16)
}
