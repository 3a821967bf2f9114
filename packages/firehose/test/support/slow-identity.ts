import { setTimeout as sleep } from 'node:timers/promises'
import { IdentityError } from '@orrery/identity'
import type { FirehoseOptions } from '../../src/index.ts'
import type { Author } from './author.ts'

/**
 * A resolver that never has anything at once: each answer takes its own time. Faithful in what it answers and throws;
 * it has no cache, so that every frame waits.
 */
export function slowIdentity(
  authors: readonly Author[],
  delayMs: (did: string) => number,
): NonNullable<FirehoseOptions['identity']> {
  async function resolve(did: string, { signal }: { signal?: AbortSignal | undefined } = {}) {
    const author = authors.find(candidate => candidate.did === did)
    await sleep(delayMs(did), undefined, signal ? { signal } : {}).catch((cause: unknown) => {
      throw new IdentityError('aborted', 'the wait was ended', { cause })
    })
    if (!author) throw new IdentityError('not_found', 'no such DID')
    return { did, signingKey: author.key.multikey, document: author.document, fetchedAt: Date.now() }
  }
  return { cached: () => undefined, resolve, refresh: resolve, purge: () => {} }
}
