import { LRUCache } from 'lru-cache'

import type { Identity } from '../did/did-document.ts'
import { IdentityError } from '../errors.ts'
import { checkHandle, siteOf } from '../handle/handle.ts'
import type { HandleResolver } from '../handle/handle-resolver.ts'
import { createRefreshQueue, type RefreshQueueStats } from '../refresh/refresh-queue.ts'
import type { IdentityResolver } from '../resolver/identity-resolver.ts'
import type { KnownHandle } from '../store/handles.ts'

/** What {@link createDirectory} needs; times have defaults. */
export type DirectoryOptions = {
  /** Neither is disposed with the directory. */
  resolver: IdentityResolver
  handles: HandleResolver
  /** Lets handles under `.test` resolve, for networks of one's own. Default false. */
  allowTest?: boolean | undefined
  /** Older than this, a document or handle is asked for again in the background while it is served. Default 4 hours. */
  freshMs?: number | undefined
  /** Older than this, it is asked for again before it is served. In milliseconds, default 24 hours. */
  maxAgeMs?: number | undefined
  /** How young both sides must be when they disagree, or they are asked again. In milliseconds, default 60,000. */
  recheckMs?: number | undefined
  now?: (() => number) | undefined
}

/** What most callers want to know of an account. */
export type MiniDoc = {
  did: string
  /** Verified both ways, or `handle.invalid`. */
  handle: string
  pds: string
  /** Multikey. */
  signing_key: string
}

/** Identities by DID and by handle, each verified by the other. */
export type Directory = Disposable & {
  /** Who is this DID? @throws {IdentityError} */
  identity(did: string, signal?: AbortSignal): Promise<Identity>
  /**
   * Whose handle is this? Only an account whose document claims the handle has it; the answer's `handle` is it.
   *
   * @throws {IdentityError} `invalid_handle`, `handle_not_found`, `handle_mismatch`, or what resolving the DID throws
   */
  resolveHandle(handle: string, signal?: AbortSignal): Promise<Identity>
  /** The handle that a document claims if it leads back to the DID, else `handle.invalid`; never throws. */
  verifiedHandle(identity: Identity, signal?: AbortSignal): Promise<string>
  /**
   * The mini doc of a DID or a handle.
   *
   * @throws {IdentityError} as the above; `invalid_document` when the document has no PDS or no signing key
   */
  miniDoc(identifier: string, signal?: AbortSignal): Promise<MiniDoc>
  /** Asks the network again, at most once a minute for each DID and handle. @throws {IdentityError} */
  refresh(identifier: string, signal?: AbortSignal): Promise<Identity>
  /**
   * On `#identity` and `#account`: what is known of the DID is forgotten, and asked for again in the background where
   * somebody asked for it lately. Costs no request otherwise, however many such events there are.
   */
  changed(did: string, handle?: string): void
  stats(): DirectoryStats
}

/** Counters since the start; of the refresh queue, see there. */
export type DirectoryStats = RefreshQueueStats & {
  /** Served while being asked for again. */
  stale: number
  /** Handles that did not lead back to the DID that claims them, or the other way round. */
  mismatches: number
}

const hour = 60 * 60 * 1000

/** The literal that stands for a handle that is not verified. https://atproto.com/specs/handle */
export const invalidHandle = 'handle.invalid'

/** Makes a {@link Directory}. */
export function createDirectory(options: DirectoryOptions): Directory {
  const { resolver, handles, allowTest, now = Date.now } = options
  const { freshMs = 4 * hour, maxAgeMs = 24 * hour, recheckMs = 60_000 } = options
  const asked = new LRUCache<string, true>({ max: 50_000 })
  const counts = { stale: 0, mismatches: 0 }
  const queue = createRefreshQueue({
    refresh: key =>
      key.startsWith('did:') ? resolver.refresh(key) : handles.resolve(key, { maxAgeMs: freshMs }),
    groupOf,
    perGroup: group => (group === plc ? 8 : 2),
    now,
  })

  function serve<T extends { fetchedAt: number }>(key: string, known: T): T {
    if (now() - known.fetchedAt >= freshMs) {
      counts.stale += 1
      queue.add(key)
    }
    return known
  }

  async function identity(did: string, signal?: AbortSignal): Promise<Identity> {
    asked.set(did, true)
    return serve(did, await resolver.resolve(did, { maxAgeMs, signal }))
  }

  async function didOf(handle: string, signal?: AbortSignal): Promise<KnownHandle> {
    return serve(handle, await handles.resolve(handle, { maxAgeMs, signal }))
  }

  const isOld = ({ fetchedAt }: { fetchedAt: number }): boolean => now() - fetchedAt >= recheckMs

  async function resolveHandle(text: string, signal?: AbortSignal): Promise<Identity> {
    const handle = checkHandle(text, { allowTest })
    let known = await didOf(handle, signal)
    let found = await identity(known.did, signal)
    if (found.handle === handle) return found
    // One of the two may have changed since it was asked.
    if (isOld(known)) known = await handles.resolve(handle, { maxAgeMs: recheckMs, signal })
    if (found.did !== known.did) found = await identity(known.did, signal)
    if (found.handle !== handle && isOld(found)) found = await resolver.refresh(known.did, { signal })
    if (found.handle === handle) return found
    counts.mismatches += 1
    throw new IdentityError(
      'handle_mismatch',
      `the DID does not claim the handle; handle=${handle}; did=${known.did}`,
      {
        did: known.did,
      },
    )
  }

  async function verifiedHandle({ did, handle: claimed }: Identity, signal?: AbortSignal): Promise<string> {
    if (claimed === undefined) return invalidHandle
    try {
      const handle = checkHandle(claimed, { allowTest })
      let known = await didOf(handle, signal)
      if (known.did !== did && isOld(known)) {
        known = await handles.resolve(handle, { maxAgeMs: recheckMs, signal })
      }
      if (known.did === did) return handle
      counts.mismatches += 1
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error
    }
    return invalidHandle
  }

  return {
    identity,
    resolveHandle,
    verifiedHandle,
    async miniDoc(identifier, signal) {
      const isDid = identifier.startsWith('did:')
      const found = isDid ? await identity(identifier, signal) : await resolveHandle(identifier, signal)
      const { did, pds, signingKey } = found
      if (pds === undefined || signingKey === undefined) {
        const lacks = pds === undefined ? 'PDS' : 'signing key'
        throw new IdentityError('invalid_document', `the DID document names no ${lacks}; did=${did}`, { did })
      }
      const handle = isDid ? await verifiedHandle(found, signal) : found.handle!
      return { did, handle, pds, signing_key: signingKey }
    },
    async refresh(identifier, signal) {
      if (identifier.startsWith('did:')) {
        asked.set(identifier, true)
        const found = await resolver.refresh(identifier, { signal })
        const handle = found.handle !== undefined && tryHandle(found.handle, allowTest)
        if (handle) await handles.resolve(handle, { maxAgeMs: recheckMs, signal }).catch(() => {})
        return found
      }
      const handle = checkHandle(identifier, { allowTest })
      const { did } = await handles.resolve(handle, { maxAgeMs: recheckMs, signal })
      await resolver.refresh(did, { signal })
      return resolveHandle(handle, signal)
    },
    changed(did, handle) {
      resolver.purge(did)
      const plain = handle !== undefined && tryHandle(handle, allowTest)
      if (plain) handles.purge(plain)
      if (asked.has(did)) queue.add(did, true)
    },
    stats: () => ({ ...counts, ...queue.stats() }),
    [Symbol.dispose]: () => queue[Symbol.dispose](),
  }
}

const plc = 'plc'

function groupOf(key: string): string {
  if (key.startsWith('did:plc:')) return plc
  return siteOf(key.startsWith('did:web:') ? key.slice('did:web:'.length) : key)
}

function tryHandle(text: string, allowTest: boolean | undefined): string | undefined {
  try {
    return checkHandle(text, { allowTest })
  } catch {
    return undefined
  }
}
