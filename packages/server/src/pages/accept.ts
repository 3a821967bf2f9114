import type { IncomingMessage } from 'node:http'

import { invalidRequest } from '../http/errors.ts'

/** One range of an `Accept` header: a type, `type/*` or anything, and how much it is wanted. */
type MediaRange = { type: string; subtype: string; hasParameters: boolean; quality: number }

/**
 * Whether a request wants a page rather than JSON. Of the two, the one that its `Accept` header gives the higher quality;
 * where both have the same, the one that is named first; JSON where nothing speaks for either. There is no 406. Several
 * `Accept` headers: the first counts.
 *
 * @throws HttpError 400 where the header cannot be read (RFC 9110, 12.5.1)
 */
export function wantsHtml(request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>): boolean {
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return false
  // Node joins repeated headers with commas.
  const first = accept.includes(',') ? (request.headersDistinct.accept?.[0] ?? accept) : accept
  const ranges = parseAccept(first)
  const html = findRange(ranges, 'text', 'html')
  const json = findRange(ranges, 'application', 'json')
  if (!html || html.quality === 0) return false
  if (!json || html.quality !== json.quality) return html.quality > (json?.quality ?? 0)
  return html.index < json.index
}

/** The range that decides about a type: the most specific one. */
function findRange(
  ranges: readonly MediaRange[],
  type: string,
  subtype: string,
): { quality: number; index: number } | undefined {
  let found: { quality: number; index: number } | undefined
  let best = -1
  for (const [index, range] of ranges.entries()) {
    // What we have is without parameters, so it is not what was asked for.
    if (range.hasParameters) continue
    const specific = range.type === '*' ? 0 : range.subtype === '*' ? 1 : 2
    const fits = specific === 0 || (range.type === type && (specific === 1 || range.subtype === subtype))
    if (fits && specific > best) {
      best = specific
      found = { quality: range.quality, index }
    }
  }
  return found
}

const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
const quoted = '"(?:[^"\\\\]|\\\\.)*"'
// Blanks belong to one place only, or a hostile header would have us try every way to share them out.
const rangePattern = new RegExp(
  `[ \\t]*(${token})/(${token})((?:[ \\t]*;(?:[ \\t]*${token}=(?:${token}|${quoted}))?)*)[ \\t]*(?:,|$)`,
  'y',
)
const parameterPattern = new RegExp(`(${token})=(${token}|${quoted})`, 'g')

function parseAccept(header: string): MediaRange[] {
  const ranges: MediaRange[] = []
  let rest = withoutCommas(header.trimEnd())
  while (rest !== '') {
    rangePattern.lastIndex = 0
    const match = rangePattern.exec(rest)
    if (!match) throw unreadable(header)
    ranges.push(toRange(match, header))
    rest = withoutCommas(rest.slice(match[0].length))
  }
  return ranges
}

/** Elements of a list may be empty (RFC 9110, 5.6.1). */
function withoutCommas(text: string): string {
  return text.replace(/^[ \t,]+/, '')
}

function toRange([, type = '', subtype = '', parameters = '']: RegExpExecArray, header: string): MediaRange {
  if (type === '*' && subtype !== '*') throw unreadable(header)
  const range = { type: type.toLowerCase(), subtype: subtype.toLowerCase(), hasParameters: false, quality: 1 }
  for (const [, name = '', value = ''] of parameters.matchAll(parameterPattern)) {
    if (name.toLowerCase() !== 'q') {
      range.hasParameters = true
    } else if (/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(value)) {
      range.quality = Number(value)
    } else {
      throw unreadable(header)
    }
  }
  return range
}

function unreadable(header: string): Error {
  return invalidRequest(`The Accept header cannot be read: ${header.slice(0, 200)}`)
}
