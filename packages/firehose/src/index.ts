// What is not here stays inside: connections, the pipeline and its lanes, the verifiers.
export { backoffMs, type BackoffOptions, pause } from './backoff.ts'
export { type DropReason, dropReasons } from './drops.ts'
export { ConnectionError, type ConnectionErrorCode } from './errors.ts'
export type {
  AccountChange,
  AccountEvent,
  AccountState,
  Batch,
  CommitEvent,
  CursorChange,
  FirehoseEvent,
  Gap,
  IdentityEvent,
  Missing,
  Notice,
  Progress,
  RecordOp,
  SyncEvent,
} from './events.ts'
export { type Firehose, openFirehose } from './firehose.ts'
export { readJetstreamMessage } from './jetstream/message.ts'
export type { FirehoseNotice, FirehoseOptions } from './options.ts'
export { createMemoryProgress, type MemoryProgress } from './progress/memory.ts'
export { createProgressTables, prepareReadProgress, prepareSaveProgress } from './progress/sqlite.ts'
export type { ProgressStore } from './progress/store.ts'
export type { VerifyMode } from './relay/keys.ts'
export { defaultSources, parseSource, parseSources, type Source } from './source.ts'
export type { SourceStatus, Suspicion } from './source-state.ts'
export type { FirehoseStats } from './stats.ts'
export type { FirehoseStatus } from './status.ts'
