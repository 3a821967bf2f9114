import { IdentityError } from '../errors.ts'
import type { GuardedFetch } from '../http/guarded-fetch.ts'
import { decodeTxtAnswer, encodeTxtQuestion, type TxtAnswer } from './dns-message.ts'
import type { TxtLookup } from './txt.ts'

/** A TCP message of DNS has no more. */
const maxBytes = 64 * 1024
const noSuchName = 3

/**
 * Makes a look-up that asks a resolver over HTTPS (RFC 8484).
 *
 * @param options.url of the resolver, such as `https://cloudflare-dns.com/dns-query`; the operator's choice
 * @param options.fetch must let requests to that URL pass
 * @param options.timeoutMs for one request, in milliseconds. Default 3,000
 */
export function createDohTxtLookup(options: {
  url: string
  fetch: GuardedFetch
  timeoutMs?: number | undefined
}): TxtLookup {
  const { url, fetch, timeoutMs = 3_000 } = options
  return async (name, signal) => {
    const question = new URL(url)
    question.searchParams.set('dns', Buffer.from(encodeTxtQuestion(name)).toString('base64url'))
    const headers = { accept: 'application/dns-message' }
    const { status, bytes } = await fetch.get(question, { signal, headers, timeoutMs, maxBytes })
    if (status !== 200) throw failed(`status=${status}`)
    const { rcode, records } = read(bytes)
    if (rcode !== 0 && rcode !== noSuchName) throw failed(`rcode=${rcode}`)
    return records
  }
}

function read(bytes: Uint8Array): TxtAnswer {
  try {
    return decodeTxtAnswer(bytes)
  } catch (cause) {
    throw new IdentityError('network', 'DNS over HTTPS answered no DNS message', { cause })
  }
}

function failed(detail: string): IdentityError {
  return new IdentityError('network', `DNS over HTTPS did not answer; ${detail}`)
}
