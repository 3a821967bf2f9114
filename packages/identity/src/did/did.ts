import { isValidDid, isValidHandle } from '@atproto/syntax'

import { IdentityError } from '../errors.ts'

/** A DID that has the form its method asks for, taken apart as far as resolution needs. */
export type ParsedDid =
  | { method: 'plc'; did: string }
  /** `port` is there for `localhost` only, and not always. */
  | { method: 'web'; did: string; host: string; port: number | undefined }

/**
 * Takes a DID apart. Of did:web, atproto accepts a plain host name, without path; a port only on `localhost`, where it
 * is for development. Whether that host may be asked is not judged here.
 *
 * @throws {IdentityError} `invalid_did`, `unsupported_method`
 * @see https://atproto.com/specs/did
 */
export function parseDid(did: string): ParsedDid {
  if (/^did:plc:[a-z2-7]{24}$/.test(did)) return { method: 'plc', did }
  // The text is a stranger's: it is shown only once it is known to be short and plain.
  if (!isValidDid(did)) throw new IdentityError('invalid_did', 'not a DID')
  if (did.startsWith('did:web:')) return parseWeb(did, did.slice('did:web:'.length))
  if (did.startsWith('did:plc:')) throw new IdentityError('invalid_did', `not a did:plc; did=${did}`, { did })
  throw new IdentityError('unsupported_method', `only did:plc and did:web are supported; did=${did}`, { did })
}

function parseWeb(did: string, id: string): ParsedDid {
  // A handle has the syntax of a public host name, so addresses and single labels fall out here.
  if (isValidHandle(id)) return { method: 'web', did, host: id, port: undefined }
  const local = /^localhost(?:%3[Aa](\d{1,5}))?$/.exec(id)
  const port = local?.[1] === undefined ? undefined : Number(local[1])
  if (local && (port === undefined || (port > 0 && port < 65_536))) {
    return { method: 'web', did, host: 'localhost', port }
  }
  throw new IdentityError('invalid_did', `atproto allows only a host name in a did:web; did=${did}`, { did })
}
