import { describe, expect, it } from 'vitest'

import { IdentityError } from '../errors.ts'
import { checkUrl } from './url-policy.ts'

const guarded = (url: string, base?: string): string =>
  checkUrl(url, false, base ? new URL(base) : undefined).href

describe('checkUrl', () => {
  it.each([
    ['https://pds.example.net/xrpc/a?b=c', 'https://pds.example.net/xrpc/a?b=c'],
    ['https://pds.example.net:443/', 'https://pds.example.net/'],
    ['HTTPS://PDS.Example.net#x', 'https://pds.example.net/'],
  ])('passes %s', (url, href) => expect(guarded(url)).toBe(href))

  it.each([
    'http://pds.example.net/',
    'ftp://pds.example.net/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'ws://pds.example.net/',
    'https://pds.example.net:8443/',
    'https://pds.example.net:22/',
    'https://pds.example.net:80/',
    'https://user:pw@pds.example.net/',
    'https://user@pds.example.net/',
    'https://:pw@pds.example.net/',
    'https://[fe80::1%25eth0]/',
    'https://[::1',
    'https://256.1.1.1/',
    'pds.example.net',
    '//pds.example.net',
    'https://',
    '',
    `https://pds.example.net/${'a'.repeat(5000)}`,
  ])('refuses %s', url => {
    expect(() => guarded(url)).toThrow(IdentityError)
    expect(() => guarded(url)).toThrow(/^the URL is refused/)
  })

  it('brings other forms of an IPv4 address to the one that is checked', () => {
    for (const form of ['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '127.0.0.1.', '%31%32%37.0.0.1']) {
      expect(new URL(guarded(`https://${form}/`)).hostname.replace(/\.$/, '')).toBe('127.0.0.1')
    }
  })

  it('does not show credentials in the error', () => {
    expect(() => guarded('https://user:secret@pds.example.net/')).not.toThrow(/secret/)
  })

  it('checks the target of a redirect like any other', () => {
    expect(guarded('/other', 'https://pds.example.net/a')).toBe('https://pds.example.net/other')
    expect(guarded('//b.example.net/x', 'https://pds.example.net/a')).toBe('https://b.example.net/x')
    expect(() => guarded('http://pds.example.net/', 'https://pds.example.net/a')).toThrow(IdentityError)
  })

  it('allows http and any port, but no credentials, where private hosts are allowed', () => {
    expect(checkUrl('http://localhost:2583/x', true).href).toBe('http://localhost:2583/x')
    expect(() => checkUrl('http://user:pw@localhost/', true)).toThrow(IdentityError)
    expect(() => checkUrl('file:///etc/passwd', true)).toThrow(IdentityError)
  })
})
