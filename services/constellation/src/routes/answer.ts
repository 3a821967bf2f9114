import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type FastAnswer, type HttpReply, type HttpRequest, pageHeaders } from '@orrery/server'

/** What every response varies by: the first server's CORS says so, and caches may rely on it. */
export const corsVary = 'origin, access-control-request-method, access-control-request-headers'
const negotiatedVary = `${corsVary}, accept`

/** How long an answer may be kept, seconds: counts change by the second, and nobody minds a few. */
const maxAgeSeconds = 5
const cacheControl = `public, max-age=${maxAgeSeconds}`

/** Sends JSON or a page with what caches need; 304 without it where the client has it already. */
export function sendAnswer(
  request: HttpRequest,
  reply: HttpReply,
  { text, isPage }: { text: string; isPage: boolean },
): HttpReply {
  const tag = tagOf(text)
  reply.header('vary', negotiatedVary)
  reply.header('cache-control', cacheControl)
  reply.header('etag', tag)
  if (hasTag(request.headers['if-none-match'], tag)) return reply.code(304).send()
  if (isPage) reply.headers(pageHeaders)
  else reply.header('content-type', 'application/json')
  return reply.send(text)
}

/** JSON as `sendAnswer` sends it, for the fast lane. */
export function fastAnswer(request: IncomingMessage, text: string): FastAnswer {
  const tag = tagOf(text)
  const headers = ['vary', negotiatedVary, 'cache-control', cacheControl, 'etag', tag]
  if (hasTag(request.headers['if-none-match'], tag)) return { statusCode: 304, headers, body: '' }
  return { statusCode: 200, headers: [...headers, 'content-type', 'application/json'], body: text }
}

/** Counts are their own tag, which takes a tenth of the time of a hash; the rest is hashed. */
function tagOf(text: string): string {
  return text.length <= 30
    ? `"${Buffer.from(text).toString('base64url')}"`
    : `"${hash('sha1', text, 'base64url')}"`
}

/** Whether `If-None-Match` names the tag (RFC 9110, 13.1.2): compared weakly, as proxies that compress weaken tags. */
function hasTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header === tag || header.split(',').some(one => ['*', tag, `W/${tag}`].includes(one.trim()))
}
