import { expect, it } from 'vitest'

import { IdentityError } from '../errors.ts'
import { checkHandle, siteOf } from './handle.ts'

it.each([
  ['alice.bsky.social', 'alice.bsky.social'],
  ['Alice.Example.COM', 'alice.example.com'],
  ['xn--ls8h.test.org', 'xn--ls8h.test.org'],
])('takes %s', (text, handle) => {
  expect(checkHandle(text)).toBe(handle)
})

it.each([
  '',
  'alice',
  'alice..com',
  '-a.com',
  'a.com.',
  'a b.com',
  'alice.0',
  `${'a'.repeat(64)}.com`,
  'é.com',
])('refuses "%s", and does not repeat it', text => {
  expect(() => checkHandle(text)).toThrow(new IdentityError('invalid_handle', 'not a handle'))
})

it.each(['alt', 'arpa', 'example', 'internal', 'invalid', 'local', 'localhost', 'onion', 'test'])(
  'refuses what is under .%s',
  tld => {
    expect(() => checkHandle(`alice.${tld.toUpperCase()}`)).toThrow(`.${tld} do not resolve`)
  },
)

it('lets .test pass where it is asked to, and no other', () => {
  expect(checkHandle('alice.test', { allowTest: true })).toBe('alice.test')
  expect(() => checkHandle('alice.local', { allowTest: true })).toThrow('do not resolve')
})

it('takes the names of one site together', () => {
  expect(siteOf('a.b.example.com')).toBe('example.com')
  expect(siteOf('localhost')).toBe('localhost')
})
