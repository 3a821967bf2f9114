import { isValidHandle } from '@atproto/syntax'

import { IdentityError } from '../errors.ts'

/** Names that no public DNS knows, so that nothing has to be asked. https://atproto.com/specs/handle */
const reserved = new Set(['alt', 'arpa', 'example', 'internal', 'invalid', 'local', 'localhost', 'onion'])

/**
 * A handle in its normal form, lower case.
 *
 * @param options.allowTest lets `.test` pass, for networks of one's own. Default false
 * @throws {IdentityError} `invalid_handle` when it has not the form of one, or is under a reserved name
 */
export function checkHandle(text: string, options: { allowTest?: boolean | undefined } = {}): string {
  const handle = text.toLowerCase()
  // The text is a stranger's: it is shown only once it is known to be short and plain.
  if (!isValidHandle(handle)) throw new IdentityError('invalid_handle', 'not a handle')
  const tld = handle.slice(handle.lastIndexOf('.') + 1)
  if (reserved.has(tld) || (tld === 'test' && options.allowTest !== true)) {
    throw new IdentityError('invalid_handle', `handles under .${tld} do not resolve; handle=${handle}`)
  }
  return handle
}

/**
 * Who probably answers for a host name: its last two labels. Not exact (`co.uk` is not one owner), and good enough to
 * keep the names of one owner from taking all places.
 */
export function siteOf(hostname: string): string {
  return hostname.split('.').slice(-2).join('.')
}
