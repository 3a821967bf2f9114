import { removeDotSegments } from './dot-segments.ts'
import { lowerCaseKeepingEscapes, normaliseEscapes } from './escapes.ts'
import { normaliseIpLiteral } from './ip-literal.ts'

// The characters that the grammar of RFC 3986, appendix A, allows in each part. `%` stands for a whole escape: that two
// digits follow is `normaliseEscapes`' to see.
const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#[^]*)?$/
const pathChars = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/
const queryChars = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*$/
const authorityParts =
  /^(?:([A-Za-z0-9\-._~!$&'()*+,;=:%]*)@)?(?:\[([^\]]*)\]|([A-Za-z0-9\-._~!$&'()*+,;=%]*))(?::([0-9]*))?$/

/**
 * A URI of any scheme in its one form, by syntax alone (RFC 3986, section 6.2.2): scheme and host in lower case, escapes
 * of plain characters undone, dot segments resolved, an empty port dropped. Nothing is added, no default port removed,
 * nothing repaired. Undefined where the text is not an absolute URI.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3986#appendix-A
 */
export function normaliseUri(text: string): string | undefined {
  const [, scheme, authority, path = '', query = '', fragment = ''] = parts.exec(text) ?? []
  if (scheme === undefined || !pathChars.test(path)) return undefined
  if (!queryChars.test(query) || !queryChars.test(fragment.slice(1))) return undefined
  const rest = normaliseEscapes(query + fragment)
  const plainPath = normaliseEscapes(path)
  if (rest === undefined || plainPath === undefined) return undefined

  const front = `${scheme.toLowerCase()}:`
  const resolved = plainPath.startsWith('/') ? removeDotSegments(plainPath) : plainPath
  if (authority === undefined) {
    // Without an authority, two slashes in front of a path would begin one.
    return front + (resolved.startsWith('//') ? '/.' : '') + resolved + rest
  }
  const plainAuthority = normaliseAuthority(authority)
  return plainAuthority === undefined ? undefined : `${front}//${plainAuthority}${resolved}${rest}`
}

function normaliseAuthority(authority: string): string | undefined {
  const match = authorityParts.exec(authority)
  if (!match) return undefined
  const [, userinfo, literal, name, port] = match
  const user = userinfo === undefined ? '' : normaliseEscapes(`${userinfo}@`)
  const host = literal === undefined ? normaliseName(name ?? '') : bracketed(normaliseIpLiteral(literal))
  if (user === undefined || host === undefined) return undefined
  return user + host + (port ? `:${port}` : '')
}

function normaliseName(name: string): string | undefined {
  const plain = normaliseEscapes(name)
  return plain === undefined ? undefined : lowerCaseKeepingEscapes(plain)
}

function bracketed(literal: string | undefined): string | undefined {
  return literal === undefined ? undefined : `[${literal}]`
}
