import { isIP } from 'node:net'

import { z } from 'zod'

import { Secret } from './secret.ts'

/** Where to listen. Port 0 means any that is free. */
export type HostPort = { readonly host: string; readonly port: number }

/** What documentation knows of a value, kept as zod metadata. */
export type ValueMeta = { placeholder?: string; secret?: true; defaultText?: string }

/** An option's schema: from what stands in a flag or variable to what the service gets. */
export type Value<T> = z.ZodType<T, string>

const SECOND = 1_000
const durationUnits: Record<string, number> = {
  ms: 1,
  s: SECOND,
  m: 60 * SECOND,
  h: 3_600 * SECOND,
  d: 86_400 * SECOND,
}

const byteUnits: Record<string, number> = { b: 1 }
for (const [i, letter] of ['k', 'm', 'g', 't'].entries()) {
  byteUnits[`${letter}b`] = 1_000 ** (i + 1)
  byteUnits[`${letter}ib`] = 1_024 ** (i + 1)
}

/** Throws in a parser to say what was expected; it becomes the problem's text. */
class Expected extends Error {}

/**
 * A schema from a parser of text. The parser throws `Expected`; everything else it throws is a defect and passes through.
 */
function value<T>(meta: ValueMeta, parse: (text: string) => T): Value<T> {
  return z
    .string()
    .transform((text, context) => {
      try {
        return parse(text.trim())
      } catch (error) {
        if (!(error instanceof Expected)) throw error
        context.addIssue({ code: 'custom', message: error.message })
        return z.NEVER
      }
    })
    .meta(meta)
}

/**
 * A time span with its unit (`ms`, `s`, `m`, `h`, `d`; also `1h30m`), as milliseconds. A bare number is refused, because nobody
 * knows its unit; `0` needs none.
 *
 * @param bounds smallest and largest accepted, written the same way
 */
export function duration(bounds: { min?: string; max?: string } = {}): Value<number> {
  return value({ placeholder: '<duration>' }, text =>
    within(bounds, parseDuration, text, 'expected a duration with its unit, such as 48h, 30s or 250ms'),
  )
}

/**
 * An amount of bytes with its unit (`B`, `kB`, `MB`, `GB`, `TB` in thousands; `KiB`, `MiB`, `GiB`, `TiB` in 1,024s; case does not
 * matter), as a number. A bare number is refused; `0` needs no unit.
 *
 * @param bounds smallest and largest accepted, written the same way
 */
export function bytes(bounds: { min?: string; max?: string } = {}): Value<number> {
  return value({ placeholder: '<bytes>' }, text =>
    within(bounds, parseBytes, text, 'expected an amount of bytes with its unit, such as 64MiB or 10GB'),
  )
}

/** A whole number, digits only (`20000` or `20_000`). @param bounds default from 0 up */
export function count(bounds: { min?: number; max?: number } = {}): Value<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`
  return value({ placeholder: '<n>' }, text => {
    const number = /^-?\d+(_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
    if (!(number >= min && number <= max)) throw new Expected(`expected a whole number ${range}`)
    return number
  })
}

/**
 * An address to listen on: `127.0.0.1:6008`, `localhost:6008`, `[::1]:6008`; `:6008` and `6008` are port 6008 on every IPv4 address,
 * `[::]:6008` on every address.
 */
export function hostPort(): Value<HostPort> {
  return value({ placeholder: '<host:port>' }, text => {
    const match = /^(?:(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]*)):)?(\d{1,5})$/i.exec(text)
    const [, ipv6, name, digits] = match ?? []
    const port = Number(digits)
    if (!match || port > 65_535 || (ipv6 !== undefined && isIP(ipv6) !== 6)) {
      throw new Expected('expected host:port, such as 127.0.0.1:6008, [::1]:6008 or :6008')
    }
    return { host: ipv6 ?? (name || '0.0.0.0'), port }
  })
}

/** An `http://` or `https://` address of a server or a path on it, without query; the trailing slash is dropped. */
export function httpUrl(): Value<string> {
  return value({ placeholder: '<url>' }, text => {
    const url = parseUrl(text, ['http:', 'https:'], 'expected an address such as https://plc.directory')
    if (url.search || url.hash) throw new Expected('expected an address without a query or a fragment')
    return url.href.replace(/\/$/, '')
  })
}

/** Where events come from: `wss://`, `ws://`, `https://` or `http://`, path and query as the source needs them. */
export function sourceUrl(): Value<string> {
  return value({ placeholder: '<url>' }, text => {
    const url = parseUrl(
      text,
      ['wss:', 'ws:', 'https:', 'http:'],
      'expected an address such as wss://relay.example',
    )
    return url.href.replace(/(?<=^[^?]*)\/$/, '')
  })
}

/** A proxy to believe: an IP address, a range (`10.0.0.0/8`), or `loopback`, `linklocal`, `uniquelocal`. */
export function proxyRange(): Value<string> {
  return value({ placeholder: '<ip or range>' }, text => {
    const [address = '', prefix, ...rest] = text.split('/')
    const bits = { 4: 32, 6: 128 }[isIP(address)] ?? -1
    const sound = prefix === undefined ? bits > 0 : /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits
    if (!['loopback', 'linklocal', 'uniquelocal'].includes(text) && !(sound && rest.length === 0)) {
      throw new Expected(
        'expected an IP address, a range such as 10.0.0.0/8, or loopback, linklocal or uniquelocal',
      )
    }
    return text
  })
}

/** Text that must not be shown: the service gets a {@link Secret}, and no message repeats what was given. */
export function secret(): Value<Secret> {
  return value({ placeholder: '<secret>', secret: true }, text => {
    if (text === '') throw new Expected('expected some text')
    return new Secret(text)
  })
}

/** Several values: the flag may be repeated, the variable separates by commas. */
export function list<T extends z.ZodType>(of: T): z.ZodArray<T> {
  return z.array(of)
}

function within(
  bounds: { min?: string; max?: string },
  parse: (text: string) => number | undefined,
  text: string,
  expected: string,
): number {
  const number = parse(text)
  if (number === undefined) throw new Expected(expected)
  const { min, max } = bounds
  if (min !== undefined && number < (parse(min) ?? 0)) throw new Expected(`expected at least ${min}`)
  if (max !== undefined && number > (parse(max) ?? 0)) throw new Expected(`expected at most ${max}`)
  return number
}

function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    total += Number(amount) * (durationUnits[unit ?? ''] ?? Number.NaN)
  }
  return Math.round(total)
}

function parseBytes(text: string): number | undefined {
  if (text === '0') return 0
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([kmgt]?i?b)$/i.exec(text) ?? []
  const factor = byteUnits[unit?.toLowerCase() ?? '']
  return factor === undefined ? undefined : Math.round(Number(amount) * factor)
}

function parseUrl(text: string, protocols: readonly string[], expected: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !protocols.includes(url.protocol) || url.hostname === '') throw new Expected(expected)
  return url
}
