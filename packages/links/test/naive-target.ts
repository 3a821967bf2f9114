import { isIPv6 } from 'node:net'
import type { Target } from '../src/index.ts'

// The rules of links written down a second time, from the grammar and step by step, with no thought for speed: what the
// package answers must equal this.

const unreserved = '[A-Za-z0-9\\-._~]'
const escape = '%[0-9A-Fa-f]{2}'
const subDelims = "[!$&'()*+,;=]"
const pchar = `(?:${unreserved}|${escape}|${subDelims}|[:@])`
const regName = `(?:${unreserved}|${escape}|${subDelims})*`
const userinfo = `(?:${unreserved}|${escape}|${subDelims}|:)*`
const ipFuture = `[vV][0-9A-Fa-f]+\\.(?:${unreserved}|${subDelims}|:)+`
const authority = `(?:(?<user>${userinfo})@)?(?<host>\\[(?<six>[0-9A-Fa-f:.]+)\\]|\\[${ipFuture}\\]|${regName})(?<port>:[0-9]*)?`
const withAuthority = `//(?<authority>${authority})(?<under>(?:/${pchar}*)*)`
const absolute = `/(?:${pchar}+(?:/${pchar}*)*)?`
const rootless = `${pchar}+(?:/${pchar}*)*`
const tail = `(?:${pchar}|[/?])*`
const uri = new RegExp(
  `^(?<scheme>[A-Za-z][A-Za-z0-9+\\-.]*):(?:${withAuthority}|(?<path>${absolute}|${rootless}|))(?<query>\\?${tail})?(?<fragment>#${tail})?$`,
)
const pathAbEmpty = new RegExp(`^(?:/${pchar}*)*$`)

/** What the text links to, by the grammar. */
export function naiveTarget(text: string): Target | undefined {
  const found = naiveAtUri(text)
  if (found !== undefined) return { kind: 'at-uri', target: found }
  if (naiveDid(text)) return { kind: 'did', target: text }
  const target = naiveUri(text)
  return target === undefined ? undefined : { kind: 'uri', target }
}

function naiveAtUri(text: string): string | undefined {
  if (text.length > 8192 || Array.from(text).some(char => char > '\x7f')) return undefined
  const plain = naiveEscapes(text)
  if (plain?.slice(0, 5).toLowerCase() !== 'at://') return undefined
  const [rest, fragment] = cut(plain.slice(5), '#')
  const [front, query] = cut(rest, '?')
  const [name, path] = cut(front, '/')
  if (name === '' || !pathAbEmpty.test(path)) return undefined
  let segments = naiveDots(path.replace(/\/+$/, '')).split('/').slice(1)
  while (segments[0] === '') segments = segments.slice(1)
  while (segments.at(-1) === '') segments = segments.slice(0, -1)
  const lowered = lower(name)
  const kept = name.startsWith('did:') ? name : lowered
  const whole = lowered.startsWith('did:') ? naiveEscapes(kept)! : kept
  return `at://${whole}${segments.map(segment => `/${segment}`).join('')}${query}${fragment}`
}

function naiveDid(text: string): boolean {
  const [did, method, ...rest] = text.split(':')
  const id = rest.join(':')
  return (
    did === 'did' &&
    method !== undefined &&
    Array.from(method).every(char => char >= 'a' && char <= 'z') &&
    id !== '' &&
    !id.endsWith(':') &&
    Array.from(id).every(char => /[A-Za-z0-9._:%-]/.test(char)) &&
    text.length <= 2048
  )
}

function naiveUri(text: string): string | undefined {
  const parts = uri.exec(text)?.groups
  if (!parts) return undefined
  const tailText = naiveEscapes((parts.query ?? '') + (parts.fragment ?? ''))!
  const scheme = lower(parts.scheme!)
  const path = naiveEscapes(parts.under ?? parts.path ?? '')!
  const resolved = path.startsWith('/') ? naiveDots(path) : path
  if (parts.authority === undefined) {
    return `${scheme}:${resolved.startsWith('//') ? '/.' : ''}${resolved}${tailText}`
  }
  if (parts.six !== undefined && !isIPv6(parts.six)) return undefined
  const host = parts.six === undefined ? naiveHost(parts.host!) : `[${naiveIpv6(parts.six)}]`
  const user = parts.user === undefined ? '' : `${naiveEscapes(parts.user)!}@`
  return `${scheme}://${user}${host}${parts.port === ':' ? '' : (parts.port ?? '')}${resolved}${tailText}`
}

function naiveHost(host: string): string {
  return naiveEscapes(host)!
    .split(/(%..)/)
    .map(part => (part.startsWith('%') ? part : lower(part)))
    .join('')
}

/** Node's URL writes IPv6 as RFC 5952 does, but for IPv4 within. */
function naiveIpv6(text: string): string {
  const short = new URL(`http://[${text}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short)
  if (!mapped) return short
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

function naiveEscapes(text: string): string | undefined {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      out += text[i]
      continue
    }
    const digits = text.slice(i + 1, i + 3)
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return undefined
    const char = String.fromCharCode(Number(`0x${digits}`))
    out += new RegExp(`^${unreserved}$`).test(char) ? char : `%${digits.toUpperCase()}`
    i += 2
  }
  return out
}

/** RFC 3986, section 5.2.4, to the letter. */
function naiveDots(path: string): string {
  let input = path
  let output = ''
  while (input !== '') {
    if (input.startsWith('../')) input = input.slice(3)
    else if (input.startsWith('./')) input = input.slice(2)
    else if (input.startsWith('/./')) input = input.slice(2)
    else if (input === '/.') input = '/'
    else if (input.startsWith('/../') || input === '/..') {
      input = `/${input.slice(4)}`
      output = output.slice(0, Math.max(0, output.lastIndexOf('/')))
    } else if (input === '.' || input === '..') input = ''
    else {
      const next = input.indexOf('/', 1)
      output += next < 0 ? input : input.slice(0, next)
      input = next < 0 ? '' : input.slice(next)
    }
  }
  return output
}

/** In two, before the first such character. */
function cut(text: string, char: string): [string, string] {
  const at = text.indexOf(char)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)]
}

function lower(text: string): string {
  return text.replaceAll(/[A-Z]/g, char => char.toLowerCase())
}
