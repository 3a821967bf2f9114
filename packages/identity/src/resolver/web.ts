import type { ParsedDid } from '../did/did.ts'
import { IdentityError } from '../errors.ts'
import type { GuardedFetch } from '../http/guarded-fetch.ts'
import { acceptHeader, documentText, maxDocumentBytes } from './http-document.ts'

/** A slow host of one account holds up that account only, so it may be given up on early. */
const timeoutMs = 5_000

/**
 * Reads the document of a did:web from its host. Whether the host may be asked is for `client` to say; `localhost`, and
 * with it http, is refused by one that does not allow private hosts.
 *
 * @throws {IdentityError}
 * @see https://w3c-ccg.github.io/did-method-web
 */
export async function readWebDocument(
  { did, host, port }: Extract<ParsedDid, { method: 'web' }>,
  client: GuardedFetch,
  now: () => number,
  signal: AbortSignal,
): Promise<string> {
  const origin = host === 'localhost' ? `http://localhost:${port ?? 80}` : `https://${host}`
  const response = await client.get(`${origin}/.well-known/did.json`, {
    signal,
    headers: acceptHeader,
    timeoutMs,
    maxBytes: maxDocumentBytes,
  })
  // Unlike PLC, a web server that says "gone" means a file.
  if (response.status === 410) {
    const { status, url } = response
    throw new IdentityError('not_found', `no such DID; did=${did}`, { did, url, status })
  }
  return documentText(did, response, now())
}
