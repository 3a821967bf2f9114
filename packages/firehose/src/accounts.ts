import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { AccountChange, AccountState, Notice, Settling } from './events.ts'
import type { ProgressStore } from './progress/store.ts'

/** How many accounts and fingerprints are remembered, over what the store has. */
const remembered = 100_000

const unknown: AccountState = { rev: '', data: '', active: true, status: undefined }

/**
 * The accounts' states as of the newest event, whether or not it is stored yet: a memory over the store, and the list of
 * what changed since it was last asked. It also says when what the store has only in its journal is to move to its table.
 *
 * What is not in the store's tables is never forgotten, however much else is looked up meanwhile: neither what changed
 * since the last batch, nor the last batch itself, which counts as stored when the next one is asked for.
 */
export class AccountBook {
  #store: ProgressStore
  #states = new LRUCache<string, AccountState>({ max: remembered })
  #changed = new Map<string, AccountState>()
  #settler: Settler
  #fingerprints = new LRUCache<string, true>({ max: remembered })
  #notices = new Map<string, number>()
  #noticesBefore = new Map<string, number>()

  /** `generationAccounts`: how many accounts gather in the journal before they move. Default 20,000. */
  constructor(store: ProgressStore, { generationAccounts = 20_000 } = {}) {
    this.#store = store
    const { generation, accounts } = store.journal()
    this.#settler = new Settler(generation, generationAccounts)
    for (const { did, ...state } of accounts) this.#settler.add(did, state)
  }

  /** The account's state; one that was never seen is active and has no rev. */
  get(did: string): AccountState {
    const state = this.#states.get(did) ?? this.#changed.get(did) ?? this.#settler.get(did)
    if (state) return state
    const stored = this.#store.account(did) ?? unknown
    this.#states.set(did, stored)
    return stored
  }

  set(did: string, state: AccountState): void {
    this.#states.set(did, state)
    this.#changed.set(did, state)
  }

  /** Whether a fingerprint is known. */
  isNoticed(print: string): boolean {
    return (
      this.#fingerprints.has(print) ||
      this.#notices.has(print) ||
      this.#noticesBefore.has(print) ||
      this.#store.noticed(print)
    )
  }

  /** Remembers a fingerprint; false where it was known already. */
  notice(print: string, seenAt: number): boolean {
    if (this.isNoticed(print)) return false
    this.#fingerprints.set(print, true)
    this.#notices.set(print, seenAt)
    return true
  }

  /** Hands over what changed since the last call, and takes what it handed over then for stored. */
  takeChanges(): { accounts: AccountChange[]; settling: Settling; notices: Notice[] } {
    const changed = this.#changed
    this.#changed = new Map()
    this.#noticesBefore = this.#notices
    this.#notices = new Map()
    return {
      accounts: Array.from(changed, ([did, state]) => ({ did, ...state })),
      settling: this.#settler.settle(changed),
      notices: Array.from(this.#noticesBefore, ([print, seenAt]) => ({ fingerprint: print, seenAt })),
    }
  }
}

/**
 * Lets the journal's accounts settle: once so many have gathered, they go to the table a few a batch, twice as many as
 * come in anew, while the next generation gathers.
 */
class Settler {
  #size: number
  #generation: number
  #gathering = new Map<string, AccountState>()
  /** The generation before, until its last account is stored. */
  #settling = new Map<string, AccountState>()
  /** Those of it that are still to go, the last DID first. */
  #left: string[] = []

  constructor(generation: number, size: number) {
    this.#generation = generation
    this.#size = size
  }

  get(did: string): AccountState | undefined {
    return this.#gathering.get(did) ?? this.#settling.get(did)
  }

  add(did: string, state: AccountState): void {
    this.#gathering.set(did, state)
  }

  settle(changed: ReadonlyMap<string, AccountState>): Settling {
    const generation = this.#generation
    for (const [did, state] of changed) this.add(did, state)
    if (this.#left.length > 0) return this.#next(generation, changed.size)
    // What was handed over last is stored by now.
    this.#settling = new Map()
    if (this.#gathering.size >= this.#size) this.#begin()
    return { generation, accounts: [], done: undefined }
  }

  #begin(): void {
    this.#settling = this.#gathering
    this.#left = [...this.#settling.keys()].toSorted().toReversed()
    this.#gathering = new Map()
    this.#generation++
  }

  #next(generation: number, arrived: number): Settling {
    const accounts: AccountChange[] = []
    for (let i = 0; i < 16 + 2 * arrived && this.#left.length > 0; i++) {
      const did = this.#left.pop()!
      // One that changed meanwhile settles with its own generation.
      if (!this.#gathering.has(did)) accounts.push({ did, ...this.#settling.get(did)! })
    }
    return { generation, accounts, done: this.#left.length === 0 ? generation - 1 : undefined }
  }
}

/** A short fingerprint of an event's telling parts: 16 bytes of sha2-256 in base64url. */
export function fingerprint(...parts: readonly string[]): string {
  return hash('sha256', parts.join('\n'), 'buffer').toString('base64url', 0, 16)
}
