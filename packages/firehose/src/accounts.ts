import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { AccountChange, AccountState, Notice } from './events.ts'
import type { ProgressStore } from './progress/store.ts'

/** How many accounts and fingerprints are remembered, over what the store has. */
const remembered = 100_000

const unknown: AccountState = { rev: '', data: '', active: true, status: undefined }

/** What changed, for one batch. */
class Changes {
  readonly accounts = new Map<string, AccountState>()
  readonly notices = new Map<string, number>()
}

/**
 * The accounts' states as of the newest event, whether or not it is stored yet: a memory over the store, and the list of
 * what changed since it was last asked.
 *
 * What is not stored yet is never forgotten, however much else is looked up meanwhile: neither what changed since the
 * last batch, nor the last batch itself, which counts as stored when the next one is asked for.
 */
export class AccountBook {
  #store: ProgressStore
  #states = new LRUCache<string, AccountState>({ max: remembered })
  #fingerprints = new LRUCache<string, true>({ max: remembered })
  #changes = new Changes()
  #handedOver = new Changes()

  constructor(store: ProgressStore) {
    this.#store = store
  }

  /** The account's state; one that was never seen is active and has no rev. */
  get(did: string): AccountState {
    const state =
      this.#states.get(did) ?? this.#changes.accounts.get(did) ?? this.#handedOver.accounts.get(did)
    if (state) return state
    const stored = this.#store.account(did) ?? unknown
    this.#states.set(did, stored)
    return stored
  }

  set(did: string, state: AccountState): void {
    this.#states.set(did, state)
    this.#changes.accounts.set(did, state)
  }

  /** Whether a fingerprint is known. */
  isNoticed(print: string): boolean {
    return (
      this.#fingerprints.has(print) ||
      this.#changes.notices.has(print) ||
      this.#handedOver.notices.has(print) ||
      this.#store.noticed(print)
    )
  }

  /** Remembers a fingerprint; false where it was known already. */
  notice(print: string, seenAt: number): boolean {
    if (this.isNoticed(print)) return false
    this.#fingerprints.set(print, true)
    this.#changes.notices.set(print, seenAt)
    return true
  }

  /** Hands over what changed since the last call, and takes what it handed over then for stored. */
  takeChanges(): { accounts: AccountChange[]; notices: Notice[] } {
    this.#handedOver = this.#changes
    this.#changes = new Changes()
    return {
      accounts: Array.from(this.#handedOver.accounts, ([did, state]) => ({ did, ...state })),
      notices: Array.from(this.#handedOver.notices, ([print, seenAt]) => ({ fingerprint: print, seenAt })),
    }
  }
}

/** A short fingerprint of an event's telling parts: 16 bytes of sha2-256 in base64url. */
export function fingerprint(...parts: readonly string[]): string {
  return hash('sha256', parts.join('\n'), 'buffer').toString('base64url', 0, 16)
}
