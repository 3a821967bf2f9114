import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isGlobalAddress } from './address.ts'

const mayBeGlobal = /^([23][0-9a-f]{3}:|64:ff9b::)/i

describe('isGlobalAddress', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '100.63.255.255',
    '100.128.0.0',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.1',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82a::200e',
    '2001:200::1',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
  ])('%s is', address => expect(isGlobalAddress(address)).toBe(true))

  it.each([
    // IPv4
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.255',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    // IPv6: unspecified, loopback, link-local, unique local, multicast, documentation, discard
    '::',
    '::1',
    'fe80::1',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
    '5f00::1',
    // forms that carry an IPv4 address: mapped, compatible, 6to4, Teredo, NAT64
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '::8.8.8.8',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001::1',
    '2001:0:7f00:1::',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::8.8.8.8',
    '64:ff9b::1:8.8.8.8',
    // not an address at all
    'fe80::1%eth0',
    '2606:4700:4700::1111%1',
    '',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    ' 8.8.8.8',
  ])('%s is not', address => expect(isGlobalAddress(address)).toBe(false))

  it('judges NAT64 by the IPv4 address in it', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        expect(isGlobalAddress(`64:ff9b::${address}`)).toBe(isGlobalAddress(address))
      }),
    )
  })

  it('accepts nothing outside 2000::/3 but NAT64', () => {
    fc.assert(
      fc.property(fc.ipV6(), address => {
        expect(isGlobalAddress(address) && !mayBeGlobal.test(address)).toBe(false)
      }),
    )
  })
})
