import { isValidDid } from '@atproto/syntax'
import { type GuardedFetch, IdentityError, type IdentityResolver, type TxtLookup } from '@orrery/identity'
import { LRUCache } from 'lru-cache'

/** Where a lexicon is published, and what it says. */
export interface PublishedLexicon {
  nsid: string
  did: string
  uri: string
  cid: string | null
  /** The record, which is not known to be a lexicon that makes sense. */
  schema: Record<string, unknown>
}

/** Why there is no lexicon: nobody published one, or it could not be had. */
export interface NoLexicon {
  /** Whether asking again may help. */
  isFailure: boolean
  message: string
}

export interface LexiconStats {
  found: number
  not_found: number
  failed: number
}

export interface Lexicons {
  readonly stats: LexiconStats
  /** The lexicon of an NSID, as its authority publishes it. Never rejects. */
  resolve(nsid: string): Promise<PublishedLexicon | NoLexicon>
}

export interface LexiconsOptions {
  txt: TxtLookup
  identity: Pick<IdentityResolver, 'resolve'>
  fetch: Pick<GuardedFetch, 'get'>
  /** How long a lexicon is remembered, milliseconds; that there is none, for a twelfth of that. */
  ttlMs: number
}

const schemaCollection = 'com.atproto.lexicon.schema'
/** A lexicon with the record's envelope, bytes. The largest that are published have some 100 kB. */
const maxBytes = 512 * 1024
/** For DNS, DID document and record together, milliseconds. */
const timeoutMs = 10_000
/** Lexicons in memory, by the length of their JSON. */
const rememberedBytes = 16 * 1024 * 1024
const leastBytes = 500

/**
 * Makes a resolver of lexicons: the TXT record `_lexicon` of the NSID's authority names a DID, whose repository has the
 * lexicon as a record. Names are not looked for above the authority. Those who ask for one at the same time share one look-up.
 *
 * @see https://atproto.com/specs/lexicon#lexicon-publication-and-resolution
 */
export function createLexicons({ txt, identity, fetch, ttlMs }: LexiconsOptions): Lexicons {
  const stats: LexiconStats = { found: 0, not_found: 0, failed: 0 }
  const cache = new LRUCache<string, PublishedLexicon | NoLexicon>({
    maxSize: rememberedBytes,
    sizeCalculation: found => leastBytes + ('schema' in found ? JSON.stringify(found.schema).length : 0),
    fetchMethod: async (nsid, _stale, { options }) => {
      const found = await lookUp(nsid)
      const isFound = 'schema' in found
      stats[isFound ? 'found' : found.isFailure ? 'failed' : 'not_found']++
      options.ttl = Math.max(1, isFound ? ttlMs : ttlMs / 12)
      return found
    },
    ttl: Math.max(1, ttlMs),
  })

  async function lookUp(nsid: string): Promise<PublishedLexicon | NoLexicon> {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const name = `_lexicon.${nsid.split('.').slice(0, -1).toReversed().join('.')}`
      const dids = (await txt(name, signal)).flatMap(text => /^did=(.*)$/.exec(text)?.[1] ?? [])
      const [did] = dids
      if (did === undefined) return none(`${name} has no TXT record with did=`)
      if (dids.length > 1) return none(`${name} names several DIDs`)
      if (!isValidDid(did)) return none(`${name} names something that is no DID`)
      const { pds } = await identity.resolve(did, { signal })
      if (pds === undefined) return none(`${did} has no PDS`)
      return await fetchSchema(nsid, did, pds, signal)
    } catch (error) {
      return failureOf(error)
    }
  }

  async function fetchSchema(
    nsid: string,
    did: string,
    pds: string,
    signal: AbortSignal,
  ): Promise<PublishedLexicon | NoLexicon> {
    const url = new URL('/xrpc/com.atproto.repo.getRecord', pds)
    url.search = new URLSearchParams({ repo: did, collection: schemaCollection, rkey: nsid }).toString()
    const { status, bytes } = await fetch.get(url.href, { signal, maxBytes })
    const uri = `at://${did}/${schemaCollection}/${nsid}`
    if (status === 400 || status === 404) return none(`there is no ${uri}`)
    if (status !== 200) return failed(`the PDS of ${did} answered ${status}`)
    const answer = parse(bytes)
    const schema = isObject(answer) ? answer['value'] : undefined
    if (!isObject(answer) || !isObject(schema)) return failed(`the PDS of ${did} did not answer a record`)
    if (schema['id'] !== nsid) return none(`${uri} is a lexicon of another NSID`)
    return { nsid, did, uri, cid: typeof answer['cid'] === 'string' ? answer['cid'] : null, schema }
  }

  return { stats, resolve: async nsid => (await cache.fetch(nsid)) ?? failed('the look-up was given up') }
}

function failureOf(error: unknown): NoLexicon {
  if (error instanceof IdentityError) return error.retryable ? failed(error.message) : none(error.message)
  if (error instanceof DOMException || error instanceof TypeError) return failed(error.message)
  throw error
}

function none(message: string): NoLexicon {
  return { isFailure: false, message }
}

function failed(message: string): NoLexicon {
  return { isFailure: true, message }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
