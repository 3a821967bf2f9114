import { isValidHandle } from '@atproto/syntax'

import { IdentityError } from '../errors.ts'
import { tryMultikey } from './signing-key.ts'

/** What a DID document says about an account. A field that the document does not hold in a usable form is absent. */
export type DocumentFields = {
  did: string
  /** The first valid `at://` alias, in lower case. A claim: nobody has asked the handle whether it agrees. */
  handle?: string
  /** Origin of the account's PDS, such as `https://pds.example.net`: no path, no trailing slash. Unchecked: fetch it guarded. */
  pds?: string
  /** The account's signing key as multikey, the part of a did:key after `did:key:`. Unchecked beyond its form. */
  signingKey?: string
  /** The whole document, as parsed from JSON. Shared between callers: do not change it. */
  document: unknown
}

/** What is known about an account, and since when. */
export type Identity = DocumentFields & {
  /** When the document was asked for, in milliseconds since 1970. */
  fetchedAt: number
}

/**
 * Reads a DID document. An odd entry costs itself only: each field comes from the first entry that names it and is
 * usable, ids may be relative (`#atproto`) or whole, and `@context`, controllers and unknown entries are not looked at.
 *
 * @param json the document, parsed
 * @throws {IdentityError} `invalid_document` when it is not an object, or its `id` is not `did`
 * @see https://atproto.com/specs/did#did-documents
 */
export function parseDidDocument(did: string, json: unknown): DocumentFields {
  if (!isObject(json)) {
    throw new IdentityError('invalid_document', `the DID document is not an object; did=${did}`, { did })
  }
  if (json['id'] !== did) {
    throw new IdentityError('invalid_document', `the DID document is of another DID; did=${did}`, { did })
  }
  const handle = first(json['alsoKnownAs'], claimedHandle)
  const pds = first(json['service'], entry => pdsOrigin(did, entry))
  const signingKey = first(json['verificationMethod'], entry => atprotoKey(did, entry))
  return {
    did,
    ...(handle === undefined ? {} : { handle }),
    ...(pds === undefined ? {} : { pds }),
    ...(signingKey === undefined ? {} : { signingKey }),
    document: json,
  }
}

function first<T>(list: unknown, read: (entry: unknown) => T | undefined): T | undefined {
  if (!Array.isArray(list)) return undefined
  for (const entry of list) {
    const value = read(entry)
    if (value !== undefined) return value
  }
  return undefined
}

function claimedHandle(alias: unknown): string | undefined {
  if (typeof alias !== 'string' || !alias.startsWith('at://')) return undefined
  const handle = alias.slice('at://'.length).toLowerCase()
  return isValidHandle(handle) ? handle : undefined
}

function pdsOrigin(did: string, service: unknown): string | undefined {
  if (!isObject(service) || !hasId(service, did, '#atproto_pds')) return undefined
  const { type, serviceEndpoint } = service
  if (type !== 'AtprotoPersonalDataServer' || typeof serviceEndpoint !== 'string') return undefined
  const url = URL.parse(serviceEndpoint)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  return url.username === '' && url.password === '' ? url.origin : undefined
}

function atprotoKey(did: string, method: unknown): string | undefined {
  if (!isObject(method) || !hasId(method, did, '#atproto')) return undefined
  return tryMultikey(method['type'], method['publicKeyMultibase'])
}

function hasId(entry: Record<string, unknown>, did: string, fragment: string): boolean {
  return entry['id'] === fragment || entry['id'] === did + fragment
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
