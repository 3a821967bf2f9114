import { LRUCache } from 'lru-cache'
import type { AccountState, CursorChange, Gap, Progress } from '../events.ts'
import type { ProgressStore } from './store.ts'

/**
 * Progress that ends with the process: for tools that only look, and the plain model of what the SQLite tables do. It is
 * bounded: of more accounts than `maxAccounts` the longest unseen are forgotten.
 */
export interface MemoryProgress extends ProgressStore {
  save(progress: Progress): void
  gaps(): Gap[]
}

/** Makes an empty one. `maxAccounts` defaults to 200,000. */
export function createMemoryProgress(options: { maxAccounts?: number } = {}): MemoryProgress {
  const cursors = new Map<string, CursorChange>()
  const accounts = new LRUCache<string, AccountState>({ max: options.maxAccounts ?? 200_000 })
  const notices = new LRUCache<string, number>({ max: 100_000 })
  const gaps: Gap[] = []
  return {
    cursor: source => cursors.get(source),
    account: did => accounts.get(did),
    // Its one table costs nothing to write to.
    journal: () => ({ generation: 0, accounts: [] }),
    noticed: fingerprint => notices.has(fingerprint),
    gaps: () => [...gaps],
    save(progress) {
      for (const change of progress.cursors) cursors.set(change.source, change)
      for (const { did, ...state } of progress.accounts) accounts.set(did, state)
      for (const notice of progress.notices) notices.set(notice.fingerprint, notice.seenAt)
      gaps.push(...progress.gaps)
    },
  }
}
