import type { IdentityResolver } from '@orrery/identity'
import type { BackoffOptions } from './backoff.ts'
import type { DropReason } from './drops.ts'
import type { ProgressStore } from './progress/store.ts'
import type { VerifyMode } from './relay/keys.ts'
import type { Source } from './source.ts'
import type { Suspicion } from './source-state.ts'

export interface FirehoseOptions {
  /** In order of preference, all of one kind: see `parseSources`. */
  sources: readonly Source[]
  /** What was saved of earlier batches. */
  progress: ProgressStore
  /** Follow all sources at once instead of one after the other. Relays only. Default false. */
  merge?: boolean | undefined
  /** Relays only: a Jetstream is taken at its word. Default `timely`. */
  verify?: VerifyMode | undefined
  /** Needed for relays, unless `verify` is `off`. Not disposed with the firehose. */
  identity?: Pick<IdentityResolver, 'cached' | 'resolve' | 'refresh' | 'purge'> | undefined
  /** Ends the iteration quietly; what is under way then comes again after a restart. */
  signal?: AbortSignal | undefined
  /** Threads that check frames, at least one. Default: one less than the cores. */
  threads?: number | undefined
  /** Default `orrery`. */
  userAgent?: string | undefined
  /** Told what happens to connections, in words for a log. */
  onNotice?: ((notice: FirehoseNotice) => void) | undefined
  /** Told of each dropped frame or operation. May be called very often. */
  onDrop?: ((reason: DropReason, did: string, detail: string) => void) | undefined
  /** How long a commit waits for its identity under `timely`, milliseconds. Default 5,000. */
  timelyMs?: number | undefined
  /** How long a commit waits under `strict` for a did:web, milliseconds. Default 30,000. */
  strictWebMs?: number | undefined
  /** How long a commit waits under `strict` for a did:plc, milliseconds. Default 600,000. */
  strictPlcMs?: number | undefined
  /** When merging, how long a commit that leaves a hole waits for the one between, milliseconds. Default 5,000. */
  holdMs?: number | undefined
  /** The pauses between tries to connect. */
  backoff?: BackoffOptions | undefined
  /** How long connecting may take, milliseconds. Default 15,000. */
  connectTimeoutMs?: number | undefined
  /** How often a connection is pinged, milliseconds; no answer by the next ping, and it is dead. Default 15,000. */
  pingMs?: number | undefined
  /** When the silence of a source that answers pings is suspicious. */
  suspicion?: Partial<Suspicion> | undefined
}

export interface FirehoseNotice {
  level: 'info' | 'warn'
  source: string
  message: string
}
