import { type Identity, IdentityError, type IdentityResolver } from '@orrery/identity'
import { pause } from '../backoff.ts'

export type VerifyMode = 'strict' | 'timely' | 'off'

/**
 * How the key for an account's signatures came out. `unknown`: it took too long, and under `timely` the commit goes on
 * without.
 */
export type KeyAnswer =
  | { kind: 'key'; key: string }
  | { kind: 'unknown' }
  | {
      kind: 'refused'
      reason: 'identity_not_found' | 'identity_unreachable' | 'no_signing_key'
      detail: string
    }

export interface KeySourceOptions {
  identity: Pick<IdentityResolver, 'cached' | 'resolve' | 'refresh'>
  mode: VerifyMode
  signal: AbortSignal
  /** How long a commit waits for its identity under `timely`, milliseconds. Default 5,000. */
  timelyMs?: number | undefined
  /** How long it waits under `strict` for a did:web, whose server is its owner's affair. Default 30,000. */
  strictWebMs?: number | undefined
  /**
   * How long it waits under `strict` for a did:plc: a directory that is down concerns everybody, so the stream waits for
   * it rather than lose what it stands for. Default 600,000.
   */
  strictPlcMs?: number | undefined
  /**
   * How many commits may wait for one identity under `timely`, and for one did:web under `strict`; those above go on at
   * once. Default 1,000. Otherwise a busy account whose server hangs would fill the pipeline, and the stream would wait.
   */
  maxWaiting?: number | undefined
}

/** Answers keys: at once where memory has the document, else as soon as it is there or the mode's patience ends. */
export interface KeySource {
  cached(did: string): KeyAnswer | undefined
  /** @throws what is not the network's fault, such as a broken document store */
  find(did: string): Promise<KeyAnswer>
  /**
   * Asks the network anew, for a signature that did not fit; who asks while that is under way gets the same answer.
   * Undefined where there is nothing new to be had.
   *
   * @throws as `find`
   */
  refresh(did: string): Promise<KeyAnswer | undefined>
}

export function createKeySource(options: KeySourceOptions): KeySource {
  const { identity, mode, signal, timelyMs = 5_000, strictWebMs = 30_000, strictPlcMs = 600_000 } = options
  const { maxWaiting = 1_000 } = options
  const refreshes = new Map<string, Promise<KeyAnswer | undefined>>()
  /** Commits that wait now, by DID. */
  const waiting = new Map<string, number>()

  function isWorthWaiting(did: string): boolean {
    if (mode === 'strict' && did.startsWith('did:plc:')) return true
    return (waiting.get(did) ?? 0) < maxWaiting
  }

  async function find(did: string): Promise<KeyAnswer> {
    if (!isWorthWaiting(did)) return inVain(new Error('too many commits wait for it'))
    waiting.set(did, (waiting.get(did) ?? 0) + 1)
    try {
      return await findPatiently(did)
    } finally {
      const left = waiting.get(did)! - 1
      if (left === 0) waiting.delete(did)
      else waiting.set(did, left)
    }
  }

  function inVain(error: unknown): KeyAnswer {
    return mode === 'timely' ? { kind: 'unknown' } : unreachable(error)
  }

  async function findPatiently(did: string): Promise<KeyAnswer> {
    const patienceMs = mode === 'timely' ? timelyMs : did.startsWith('did:plc:') ? strictPlcMs : strictWebMs
    const limit = new AbortController()
    const end = (): void => limit.abort()
    const timer = setTimeout(end, patienceMs)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    try {
      for (let waitMs = 250; ; waitMs = Math.min(waitMs * 2, 1_000 + patienceMs / 100)) {
        try {
          return answer(await identity.resolve(did, { signal: limit.signal }))
        } catch (error) {
          const refused = refusal(error)
          if (refused) return refused
          // A failure that may pass. The resolver remembers it for a while, so asking again soon costs no request.
          if (!limit.signal.aborted) await pause(waitMs, limit.signal)
          if (limit.signal.aborted) return inVain(error)
        }
      }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    }
  }

  async function refresh(did: string): Promise<KeyAnswer | undefined> {
    try {
      return answer(await identity.refresh(did, { signal }))
    } catch (error) {
      return refusal(error)
    }
  }

  return {
    cached(did) {
      const known = identity.cached(did)
      return known && answer(known)
    },
    find,
    refresh(did) {
      // A second refresh would be answered with the old document, while the first is still fetching the new one.
      let underway = refreshes.get(did)
      if (!underway) {
        underway = refresh(did).finally(() => refreshes.delete(did))
        refreshes.set(did, underway)
      }
      return underway
    },
  }
}

function answer(identity: Identity): KeyAnswer {
  if (identity.signingKey !== undefined) return { kind: 'key', key: identity.signingKey }
  return { kind: 'refused', reason: 'no_signing_key', detail: 'the DID document has no #atproto key' }
}

/** What a failure says for good, or undefined where trying again may help. */
function refusal(error: unknown): KeyAnswer | undefined {
  if (!(error instanceof IdentityError)) throw error
  if (error.retryable || error.code === 'aborted') return undefined
  return { kind: 'refused', reason: 'identity_not_found', detail: `${error.code}; ${error.message}` }
}

function unreachable(error: unknown): KeyAnswer {
  const detail = error instanceof Error ? error.message : String(error)
  return { kind: 'refused', reason: 'identity_unreachable', detail }
}
