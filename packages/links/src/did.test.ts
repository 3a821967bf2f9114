import { expect, it } from 'vitest'
import { isDid, maxDidLength } from './did.ts'

it.each([
  'did:plc:abc',
  'did:plc:ABC',
  'did:web:example.com%3A8080',
  'did:key:z6MkExample',
  'did:foo:a:b',
  'did:a:b::c',
  // Laxer than atproto's syntax, as the index has always been.
  'did::x',
  'did:web:x%zz',
  'did:x:%',
])('%s is a DID', text => expect(isDid(text)).toBe(true))

it.each([
  '',
  'did',
  'did:',
  'did:plc',
  'did:plc:',
  'did:plc:abc:',
  'DID:plc:abc',
  'did:PLC:abc',
  'did:m1:x',
  ' did:plc:abc',
  'did:plc:abc ',
  'did:plc:abc\n',
  'did:plc:a/b',
  'did:plc:a#b',
  'did:plc:a?b',
  'did:plc:é',
  'xdid:plc:abc',
])('%j is none', text => expect(isDid(text)).toBe(false))

it('a DID may be 2,048 characters long', () => {
  const longest = `did:x:${'a'.repeat(maxDidLength - 6)}`
  expect([isDid(longest), isDid(`${longest}a`)]).toEqual([true, false])
})
