import { BlockList, isIP } from 'node:net'

/**
 * IPv4 blocks that are not for the public Internet. From the IANA IPv4 special-purpose registry (RFC 6890 and its
 * updates); blocks that are reachable in theory but serve only a protocol (AS112, 6to4 and AMT relays) are in it too.
 */
const specialV4: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8], // this host; Linux connects it to loopback
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT; also the metadata service of one cloud
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // a public-looking address on which Azure serves its machines' metadata
  ['169.254.0.0', 16], // link-local, and most metadata services
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // documentation
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15], // benchmarking
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
]

/** What is not public inside 2000::/3, the only block that IANA has given out for global unicast. */
const specialV6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23], // protocol assignments: Teredo (embeds an IPv4 address), benchmarking, ORCHID, …
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4, embeds an IPv4 address
  ['2620:4f:8000::', 48], // AS112
  ['3ffe::', 16], // the former 6bone
  ['3fff::', 20], // documentation
]

const v4Special = blockList('ipv4', specialV4)
const v6Global = blockList('ipv6', [['2000::', 3]])
const v6Special = blockList('ipv6', specialV6)
const nat64 = blockList('ipv6', [['64:ff9b::', 96]])
const nat64Special = blockList(
  'ipv6',
  specialV4.map(([network, bits]) => [`64:ff9b::${network}`, 96 + bits] as const),
)

/**
 * Is this an address of the public Internet? Takes an IPv4 or IPv6 address as text; anything else, zone ids included,
 * is not. IPv6 is allowed by what is global rather than refused by what is not, so unknown, mapped (`::ffff:0:0/96`),
 * unique-local, link-local and multicast addresses need no entry. The well-known NAT64 prefix, which is all that an
 * IPv6-only network may give for an IPv4 host, is judged by the IPv4 address in it.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function isGlobalAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !v4Special.check(address, 'ipv4')
    case 6:
      if (address.includes('%')) return false
      if (nat64.check(address, 'ipv6')) return !nat64Special.check(address, 'ipv6')
      return v6Global.check(address, 'ipv6') && !v6Special.check(address, 'ipv6')
    default:
      return false
  }
}

function blockList(
  family: 'ipv4' | 'ipv6',
  networks: readonly (readonly [network: string, bits: number])[],
): BlockList {
  const list = new BlockList()
  for (const [network, bits] of networks) list.addSubnet(network, bits, family)
  return list
}
