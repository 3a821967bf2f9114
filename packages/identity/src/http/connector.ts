import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'

import { buildConnector } from 'undici'

import { IdentityError } from '../errors.ts'
import { isNotFound, type Lookup } from './lookup.ts'

/** Starts a TCP connection to one of `addresses`, which are those that passed the check, in order of preference. */
export type Dial = (addresses: readonly string[], port: number) => Socket

/** A host with more addresses than this is tried at the first ones only. */
const maxAddresses = 4

/**
 * Makes the function with which undici opens every connection. It resolves the host, keeps the addresses that `isAllowed`
 * accepts, and connects to exactly those: the address checked is the address connected, so an answer of DNS that changes
 * in between changes nothing. Literal addresses pass the same check. TLS is checked against the host name as always.
 */
export function createPinnedConnector(options: {
  lookup: Lookup
  isAllowed: (address: string) => boolean
  /** For DNS, TCP and TLS each, in milliseconds. */
  timeoutMs: number
  dial?: Dial | undefined
}): buildConnector.connector {
  const { lookup, isAllowed, timeoutMs, dial = dialAny } = options
  // HTTP/2 is off: one request needs one stream, and its parser is the larger surface for a hostile server.
  const secure = buildConnector({ allowH2: false, timeout: timeoutMs })

  const open = async (hostname: string, port: number): Promise<Socket> => {
    const addresses = isIP(hostname) === 0 ? await addressesOf(hostname, lookup) : [hostname]
    const allowed = addresses.filter(isAllowed).slice(0, maxAddresses)
    if (allowed.length === 0) {
      throw new IdentityError('blocked_address', `the host has no public address; host=${hostname}`)
    }
    return connected(dial(allowed, port), timeoutMs, hostname)
  }

  const connect = async (
    target: buildConnector.Options,
    callback: buildConnector.Callback,
  ): Promise<void> => {
    const isSecure = target.protocol === 'https:'
    let socket: Socket
    try {
      socket = await open(target.hostname, Number(target.port) || (isSecure ? 443 : 80))
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null)
      return
    }
    if (isSecure) secure({ ...target, httpSocket: socket }, callback)
    else callback(null, socket)
  }
  return (target, callback) => void connect(target, callback)
}

async function addressesOf(hostname: string, lookup: Lookup): Promise<readonly string[]> {
  let addresses: readonly string[]
  try {
    addresses = await lookup(hostname)
  } catch (cause) {
    const code = isNotFound(cause) ? 'host_not_found' : 'network'
    throw new IdentityError(code, `the host name does not resolve; host=${hostname}`, { cause })
  }
  if (addresses.length > 0) return addresses
  throw new IdentityError('host_not_found', `the host name has no address; host=${hostname}`)
}

/** Lets Node race the addresses (RFC 8305), with a look-up that only hands back what was checked. */
function dialAny(addresses: readonly string[], port: number): Socket {
  const pinned = addresses.map(address => ({ address, family: isIP(address) }))
  const answer: LookupFunction = (_hostname, { all }, callback) => {
    if (all) callback(null, pinned)
    else callback(null, pinned[0]!.address, pinned[0]!.family)
  }
  // The name never reaches a resolver; it must only not look like an address, or `lookup` is not asked.
  return connectTcp({ host: 'pinned.invalid', port, lookup: answer, autoSelectFamily: true, noDelay: true })
}

function connected(socket: Socket, timeoutMs: number, hostname: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(
        new IdentityError('timeout', `no TCP connection within ${timeoutMs} ms; host=${hostname}`),
      )
    }, timeoutMs)
    const onError = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      resolve(socket)
    })
  })
}
