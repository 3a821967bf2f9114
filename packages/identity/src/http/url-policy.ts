import { IdentityError } from '../errors.ts'

/** Long enough for every XRPC query, short enough to log and to keep in an error. */
const maxUrlLength = 4096

/**
 * Parses a URL and refuses what no guarded request may be sent to: other schemes than https (and http where private
 * hosts are allowed), other ports than 443 (same), and credentials, always. Parsing also brings decimal, octal and hex
 * forms of an IPv4 address to the dotted one, so that later checks see the address which is connected to.
 *
 * Addresses are not looked at here: they are checked where connections are made.
 *
 * @param base what a relative URL (of a redirect) is relative to
 * @throws {IdentityError} `blocked_url`
 */
export function checkUrl(input: string | URL, allowPrivateHosts: boolean, base?: URL): URL {
  const text = String(input)
  if (text.length > maxUrlLength) throw blocked('it is too long', text.slice(0, 100))
  if (!URL.canParse(text, base)) throw blocked('it is not a URL', text)
  const url = new URL(text, base)
  if (url.protocol !== 'https:' && !(allowPrivateHosts && url.protocol === 'http:')) {
    throw blocked('its scheme is not https', url.protocol)
  }
  if (url.username !== '' || url.password !== '') throw blocked('it holds credentials', url.origin)
  if (url.port !== '' && !allowPrivateHosts) throw blocked('its port is not 443', url.origin)
  url.hash = ''
  return url
}

function blocked(reason: string, shown: string): IdentityError {
  return new IdentityError('blocked_url', `the URL is refused: ${reason}; url=${shown}`, { url: shown })
}
