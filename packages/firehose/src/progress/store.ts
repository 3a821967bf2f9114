import type { AccountState, CursorChange } from '../events.ts'

/**
 * What was saved of earlier batches, as the firehose asks for it at start-up and for accounts it does not remember.
 * Answers must be those of the last committed transaction.
 */
export interface ProgressStore {
  cursor(source: string): CursorChange | undefined
  account(did: string): AccountState | undefined
  /** Whether an event with this fingerprint was saved. */
  noticed(fingerprint: string): boolean
}
