import { BackupError, messageOf } from '../errors.ts'
import type { Source } from './types.ts'

/** How long an answer may take to begin and to go on, milliseconds. */
const timeoutMs = 60_000

/** Snapshots behind a web server: a public bucket, or a folder that is served as it is. It cannot be listed. */
export function openHttp(base: string): Source {
  const url = new URL(base.endsWith('/') ? base : `${base}/`)
  const credentials =
    url.username === '' ? undefined : Buffer.from(`${url.username}:${url.password}`).toString('base64')
  url.username = ''
  url.password = ''
  return {
    name: url.href,
    async get(key, maxBytes) {
      const what = new URL(key, url).href
      let response: Response
      try {
        response = await fetch(what, {
          signal: AbortSignal.timeout(timeoutMs),
          headers: credentials === undefined ? {} : { authorization: `Basic ${credentials}` },
        })
      } catch (cause) {
        throw new BackupError('unreachable', `cannot fetch ${what}: ${reasonOf(cause)}`, { cause })
      }
      return readAnswer(response, what, maxBytes)
    },
    list: async () => undefined,
  }
}

/** The body of an answer; undefined for 404, and for 403, which public buckets say of what is not there. */
export async function readAnswer(
  response: Response,
  what: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  if (response.status === 404 || response.status === 403) {
    await response.body?.cancel()
    return undefined
  }
  if (!response.ok) {
    await response.body?.cancel()
    throw new BackupError(
      isPassing(response.status) ? 'unreachable' : 'unusable',
      `${what} answers ${response.status}`,
    )
  }
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of response.body ?? []) {
      bytes += part.length
      if (bytes > maxBytes) throw new BackupError('damaged', `${what} is larger than it can be`)
      parts.push(part)
    }
  } catch (cause) {
    if (cause instanceof BackupError) throw cause
    throw new BackupError('unreachable', `the answer of ${what} was cut off: ${reasonOf(cause)}`, { cause })
  }
  const promised = response.headers.get('content-length')
  // A compressed answer has the length of what was sent.
  const isWhole = promised === null || response.headers.has('content-encoding') || Number(promised) === bytes
  if (!isWhole) throw new BackupError('unreachable', `the answer of ${what} was cut off`)
  return Buffer.concat(parts)
}

/** Whether asking again may help. */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 429
}

/** What is behind "fetch failed". */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? `${messageOf(error)} (${cause.message})` : messageOf(error)
}
