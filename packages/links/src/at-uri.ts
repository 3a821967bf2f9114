import { removeDotSegments } from './dot-segments.ts'
import { lowerCaseKeepingEscapes, normaliseEscapes } from './escapes.ts'

/** The longest AT-URI that counts as one, in bytes. */
export const maxAtUriLength = 8192

/** What nearly all AT-URIs look like, and what is in its one form already: no escapes, no empty or dot segments. */
const canonical = /^at:\/\/did:[a-z]+:[A-Za-z0-9._:-]+(?:\/[A-Za-z0-9_~:-][A-Za-z0-9._~:-]*)*$/
const ascii = /^\p{ASCII}*$/u
const pathChars = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/

/**
 * An AT-URI in its one form, or undefined where the text is none. It takes more than atproto's syntax does: any
 * authority that is not empty, any number of segments, query and fragment. Handles are not resolved, only put in lower
 * case. The path is a plain path: a colon in it means nothing, and several slashes in front are one.
 *
 * @see https://atproto.com/specs/at-uri-scheme
 */
export function normaliseAtUri(text: string): string | undefined {
  if (text.length > maxAtUriLength) return undefined
  if (canonical.test(text)) return text
  const plain = ascii.test(text) ? normaliseEscapes(text) : undefined
  const [, authority, path = '', rest = ''] = /^at:\/\/([^/?#]+)([^?#]*)([^]*)$/i.exec(plain ?? '') ?? []
  if (authority === undefined || !pathChars.test(path)) return undefined
  const name = authority.startsWith('did:') ? authority : lowerCaseName(authority)
  return `at://${name}${trimSlashes(removeDotSegments(trimSlashes(path)))}${rest}`
}

/** A name that this makes a DID is one from now on, so its escapes must be in their one form. */
function lowerCaseName(authority: string): string {
  const lower = authority.toLowerCase()
  return lower.startsWith('did:') ? lowerCaseKeepingEscapes(authority) : lower
}

/** None at the end, one at the front if anything is left. Linear, which a pattern for the end alone is not. */
function trimSlashes(path: string): string {
  let start = 0
  let end = path.length
  while (end > 0 && path[end - 1] === '/') end--
  while (start + 1 < end && path[start + 1] === '/') start++
  return path.slice(Math.min(start, end), end)
}

/** An AT-URI taken apart. What it does not have is undefined. */
export interface AtUriParts {
  /** A DID, or what stands in its place. */
  authority: string
  collection: string | undefined
  rkey: string | undefined
}

/**
 * Takes a normalised AT-URI apart; undefined for other targets. Query, fragment and further segments are left out, and
 * nothing is judged: collection and rkey are whatever stands there.
 */
export function atUriParts(target: string): AtUriParts | undefined {
  const [, authority, collection, rkey] =
    /^at:\/\/([^/?#]+)(?:\/([^/?#]+)(?:\/([^/?#]+))?)?/.exec(target) ?? []
  return authority === undefined ? undefined : { authority, collection, rkey }
}
