import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/**
 * Makes ids for requests: unique among processes and cheap. An id that a proxy gave is kept, for its logs and ours to agree, but only when
 * proxies are trusted and it looks like one, since it goes into logs and headers.
 */
export function requestIds(trustProxy: boolean): (request: Pick<IncomingMessage, 'headers'>) => string {
  const process = randomBytes(4).toString('hex')
  let last = 0
  return request => {
    // Not looked at where it would not be believed: a request has its headers as an object only once somebody asks.
    const given = trustProxy ? request.headers['x-request-id'] : undefined
    if (typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given)) return given
    return `${process}-${(++last).toString(36)}`
  }
}
