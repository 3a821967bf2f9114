import { invalidRequest } from '@orrery/server'
import { checkPlace, type Place } from './record.ts'

/** More is no AT-URI. https://atproto.com/specs/at-uri-scheme */
const maxBytes = 8192

const unreserved = /[A-Za-z0-9\-._~]/

/**
 * Reads the AT-URI of a record, normalising it as a generic URI: scheme in any case, needless escapes undone, dot
 * segments resolved, one slash at the end and a query left out. A fragment is part of the record key, and so an error.
 *
 * @throws HttpError 400
 */
export function readAtUri(text: string): Place {
  if (text.length > maxBytes || !/^at:\/\/[!-~]+$/i.test(text)) throw notAnAtUri()
  const [address = ''] = unescapeNeedless(text.slice('at://'.length)).split('?', 1)
  const slash = address.indexOf('/')
  if (slash <= 0) throw notAnAtUri()
  const authority = address.slice(0, slash)
  const path = withoutDots(address.slice(slash)).replace(/^\//, '').replace(/\/$/, '')
  const [, collection, rkey] = /^([^/]*)\/(.*)$/.exec(path) ?? []
  if (collection === undefined || rkey === undefined) throw notAnAtUri()
  return checkPlace(authority.startsWith('did:') ? authority : authority.toLowerCase(), collection, rkey)
}

function unescapeNeedless(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw notAnAtUri()
  return text.replace(/%[0-9a-f]{2}/gi, escape => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return unreserved.test(char) ? char : escape.toUpperCase()
  })
}

/** RFC 3986, section 5.2.4. */
function withoutDots(path: string): string {
  const kept: string[] = []
  const segments = path.split('/')
  for (const [i, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..'
    if (segment === '..' && kept.length > 1) kept.pop()
    if (!isDots) kept.push(segment)
    else if (i === segments.length - 1) kept.push('')
  }
  return kept.join('/')
}

function notAnAtUri(): Error {
  return invalidRequest('at-uri does not appear to be valid')
}
