import type { Directory, GuardedFetch } from '@orrery/identity'
import type { HttpRequest } from '@orrery/server'
import type { RecordCache } from '../cache/cache.ts'
import type { Hosts } from '../fetch/hosts.ts'
import type { Turnstile } from './turnstile.ts'

/** What routes work with. */
export interface RouteContext {
  cache: RecordCache
  directory: Directory
  /** Asks PDSes. */
  hosts: Hosts
  /** For requests with a client's own headers: follows no redirect. */
  proxyFetch: GuardedFetch
  /** For all that one request waits for, milliseconds. */
  timeoutMs: number
  maxRecordBytes: number
  /** For what takes longer than a record that is known. */
  turnstile: Turnstile
  /** Counts more than one request for a client. @throws HttpError 429 */
  charge: (request: HttpRequest, amount: number) => void
}
