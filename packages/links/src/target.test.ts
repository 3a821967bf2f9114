import { describe, expect, it } from 'vitest'
import { accountOf, didOf, normaliseTarget, parseTarget } from './target.ts'

describe('parseTarget', () => {
  it.each([
    ['at://alice.example/c/r/', 'at-uri', 'at://alice.example/c/r'],
    ['%61t://a', 'at-uri', 'at://a'],
    ['did:plc:abc', 'did', 'did:plc:abc'],
    // What is nearly an AT-URI or a DID may still be a URI.
    ['at://', 'uri', 'at://'],
    ['at:foo', 'uri', 'at:foo'],
    ['DID:plc:abc', 'uri', 'did:plc:abc'],
    ['did:plc:', 'uri', 'did:plc:'],
    ['did:plc:abc#frag', 'uri', 'did:plc:abc#frag'],
    [`did:x:${'a'.repeat(2048)}`, 'uri', `did:x:${'a'.repeat(2048)}`],
    ['https://A.example', 'uri', 'https://a.example'],
    ['lol:)', 'uri', 'lol:)'],
    ['localhost:3000', 'uri', 'localhost:3000'],
  ])('%s is %s', (text, kind, target) => {
    expect(parseTarget(text)).toEqual({ kind, target })
    expect(normaliseTarget(text)).toBe(target)
  })

  it.each([
    '',
    ' ',
    'hello',
    '@alice.example',
    '2026-01-02T03:04:05Z',
    '12:30',
    'Re: hello',
    ' did:plc:abc',
    '[a:b',
    '%a:b',
    '🦋:x',
  ])('%j is no link', text => expect(parseTarget(text)).toBeUndefined())

  it('an AT-URI of a DID that is too long is no link, and one of a handle a URI', () => {
    const tail = `/c/${'r'.repeat(8192)}`
    expect(parseTarget(`at://did:plc:abc${tail}`)).toBeUndefined()
    expect(parseTarget(`at://alice.example${tail}`)?.kind).toBe('uri')
  })
})

describe('accountOf and didOf', () => {
  it.each([
    ['did:plc:abc', 'did:plc:abc', 'did:plc:abc'],
    ['at://did:plc:abc', 'did:plc:abc', 'did:plc:abc'],
    ['at://did:plc:abc/c/r', 'did:plc:abc', 'did:plc:abc'],
    ['at://did:plc:abc?q', 'did:plc:abc', 'did:plc:abc'],
    ['at://did:plc:abc#f', 'did:plc:abc', 'did:plc:abc'],
    ['at://alice.example/c/r', 'alice.example', undefined],
    ['https://did:plc:abc/x', undefined, undefined],
    ['did:plc:abc/x', undefined, undefined],
    ['at://', undefined, undefined],
  ])('%s', (target, account, did) => expect([accountOf(target), didOf(target)]).toEqual([account, did]))
})
