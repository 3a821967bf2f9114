/** A DID document, as far as atproto reads it. */
export interface DidDocument {
  readonly '@context': readonly string[]
  readonly id: string
  readonly alsoKnownAs: readonly string[]
  readonly verificationMethod: readonly VerificationMethod[]
  readonly service: readonly DidService[]
}

export interface VerificationMethod {
  readonly id: string
  readonly type: string
  readonly controller: string
  readonly publicKeyMultibase: string
}

export interface DidService {
  readonly id: string
  readonly type: string
  readonly serviceEndpoint: string
}

export interface DidDocumentParts {
  readonly did: string
  /** `at://` and a handle, usually one. */
  readonly alsoKnownAs: readonly string[]
  /** Name of a key (`atproto`) → the key as a multibase string, with or without `did:key:` before it. */
  readonly keys: Readonly<Record<string, string>>
  /** Name of a service (`atproto_pds`) → its type and URL. */
  readonly services: Readonly<Record<string, { readonly type: string; readonly url: string }>>
}

const BASE_CONTEXT = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']

/** Puts a DID document together in the form that plc.directory serves today: keys are of the type `Multikey`. */
export function didDocument({ did, alsoKnownAs, keys, services }: DidDocumentParts): DidDocument {
  const multibase = Object.entries(keys).map(([name, key]) => [name, key.replace(/^did:key:/, '')] as const)
  const suites = new Set(multibase.map(([, key]) => suiteOf(key)).filter(suite => suite !== undefined))
  return {
    '@context': [...BASE_CONTEXT, ...suites],
    id: did,
    alsoKnownAs,
    verificationMethod: multibase.map(([name, publicKeyMultibase]) => ({
      id: `${did}#${name}`,
      type: 'Multikey',
      controller: did,
      publicKeyMultibase,
    })),
    service: Object.entries(services).map(([name, { type, url }]) => ({
      id: `#${name}`,
      type,
      serviceEndpoint: url,
    })),
  }
}

/** The two-byte multicodec prefixes make every K-256 key begin with `zQ3s` and every P-256 key with `zDn`. */
function suiteOf(multibase: string): string | undefined {
  if (multibase.startsWith('zQ3s')) return 'https://w3id.org/security/suites/secp256k1-2019/v1'
  if (multibase.startsWith('zDn')) return 'https://w3id.org/security/suites/ecdsa-2019/v1'
  return undefined
}
