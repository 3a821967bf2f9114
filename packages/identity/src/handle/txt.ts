import { Resolver } from 'node:dns/promises'

import { IdentityError } from '../errors.ts'
import { onAbort } from '../http/deadline.ts'
import { isNotFound } from '../http/lookup.ts'

/**
 * The TXT records of a name, the strings of each joined; none where the name or such records do not exist.
 *
 * @throws {IdentityError} a retryable one where no name server could tell; `aborted`
 */
export type TxtLookup = (name: string, signal: AbortSignal) => Promise<readonly string[]>

/**
 * Makes a look-up that asks name servers, over UDP, and over TCP where an answer does not fit.
 *
 * @param options.servers `address` or `address:port`; the system's by default
 * @param options.timeoutMs for the first of two tries, in milliseconds; the second may take longer. Default 1,000
 */
export function createDnsTxtLookup(
  options: { servers?: readonly string[] | undefined; timeoutMs?: number | undefined } = {},
): TxtLookup {
  const { servers, timeoutMs = 1_000 } = options
  return async (name, signal) => {
    // A resolver for each look-up: it reads the system's name servers when it is made, and can be cancelled alone.
    const resolver = new Resolver({ timeout: timeoutMs, tries: 2 })
    if (servers && servers.length > 0) resolver.setServers(servers)
    using _ = onAbort(signal, () => resolver.cancel())
    try {
      const records = await resolver.resolveTxt(name)
      return records.map(strings => strings.join(''))
    } catch (cause) {
      if (isNotFound(cause)) return []
      if (signal.aborted) throw new IdentityError('aborted', 'the look-up was aborted', { cause })
      throw new IdentityError('network', `DNS did not answer; name=${name}`, { cause })
    }
  }
}
