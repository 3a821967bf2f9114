import { lookup, Resolver } from 'node:dns/promises'

/** Answers the addresses of a host name, as text, best first. Rejects with a Node DNS error, or answers none. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/**
 * Asks the system: hosts file, search domains and all. For hosts that the operator named. Takes one of the few threads
 * that Node shares between DNS, files and zlib until the name server answers.
 */
export const systemLookup: Lookup = async hostname => {
  const addresses = await lookup(hostname, { all: true })
  return addresses.map(({ address }) => address)
}

/**
 * Makes a look-up that asks DNS directly. For hosts that strangers named: it knows neither the hosts file nor search
 * domains, and a slow name server holds no thread, so no stranger can bring file access to a halt with one.
 *
 * @param options.servers `address` or `address:port` of name servers; the system's by default
 * @param options.timeoutMs for the first of two tries, in milliseconds; the second may take longer. Default 1,500
 */
export function createDnsLookup(options: { servers?: readonly string[]; timeoutMs?: number } = {}): Lookup {
  const { servers, timeoutMs = 1_500 } = options
  return async hostname => {
    // A resolver for each look-up, because it reads the system's name servers only when it is made.
    const resolver = new Resolver({ timeout: timeoutMs, tries: 2 })
    if (servers) resolver.setServers(servers)
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length > 0) return addresses
    const reasons = answers.flatMap(answer =>
      answer.status === 'rejected' ? [answer.reason as unknown] : [],
    )
    // "No such record" of one family says nothing while the other could not be asked.
    throw reasons.find(reason => !isNotFound(reason)) ?? reasons[0]
  }
}

/** Does this DNS error mean that the name server answered, and there is nothing? */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA')
}
