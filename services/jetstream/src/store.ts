import type { Progress } from '@orrery/firehose'
import type { HubLog } from '@orrery/server'
import type { EncodedEvents } from './encode.ts'

/**
 * The durable, ordered log of events. Its read side is what the hub reads; only what is committed is ever to be seen
 * there.
 */
export interface EventLog extends HubLog, AsyncDisposable {
  /**
   * Commits events together with upstream's progress; resolves when they are safe, and visible to readers from then on.
   * One at a time.
   *
   * @throws (rejects) StorageError; on `full` nothing was stored, and the same call may be made again
   */
  append(events: EncodedEvents, progress: Progress): Promise<void>
  /** Forgets what exceeds the limits: events from before `beforeUs`, and the oldest beyond `maxBytes`. */
  retain(beforeUs: number, maxBytes: number): Promise<{ removed: string[]; bytes: number }>
  /** Bytes of blocks kept in memory. */
  readonly memoryBytes: number
}
