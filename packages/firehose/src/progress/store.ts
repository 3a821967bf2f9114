import type { AccountChange, AccountState, CursorChange } from '../events.ts'

/**
 * What was saved of earlier batches, as the firehose asks for it at start-up and for accounts it does not remember.
 * Answers must be those of the last committed transaction.
 */
export interface ProgressStore {
  cursor(source: string): CursorChange | undefined
  /** An account's state, but for what the journal has of it. */
  account(did: string): AccountState | undefined
  /** The journal's accounts, oldest first, and its newest generation; 0 where it is empty. Asked once, at the start. */
  journal(): { generation: number; accounts: AccountChange[] }
  /** Whether an event with this fingerprint was saved. */
  noticed(fingerprint: string): boolean
}
