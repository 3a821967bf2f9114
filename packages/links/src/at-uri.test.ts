import { describe, expect, it } from 'vitest'
import { atUriParts, maxAtUriLength, normaliseAtUri } from './at-uri.ts'

const did = 'at://did:plc:abc'

describe('normaliseAtUri', () => {
  it.each([
    [`${did}/app.bsky.feed.post/3abc`, `${did}/app.bsky.feed.post/3abc`],
    ['AT://did:plc:abc/x', `${did}/x`],
    ['%61t://did:plc:abc/x', `${did}/x`],
    // Authorities: any that is not empty. Those that are not DIDs are in lower case.
    ['at://did:PLC:Abc', 'at://did:PLC:Abc'],
    ['at://DID:PLC:ABC', 'at://did:plc:abc'],
    ['at://User@Alice.Example:80/x', 'at://user@alice.example:80/x'],
    ['at://did%3Aplc%3aabc/x', 'at://did%3aplc%3aabc/x'],
    ['at://DID:web:x%3a80', 'at://did:web:x%3A80'],
    ['at://a b/c', 'at://a b/c'],
    // Slashes: none at the end, one at the front, those between as they are.
    [`${did}/`, did],
    [`${did}//`, did],
    [`${did}/c/r//`, `${did}/c/r`],
    [`${did}//c/r`, `${did}/c/r`],
    [`${did}////c/r`, `${did}/c/r`],
    [`${did}/c//r`, `${did}/c//r`],
    // Dots.
    [`${did}/./c/x/../r`, `${did}/c/r`],
    [`${did}/c/..`, did],
    [`${did}/c/r/../../..`, did],
    [`${did}/c/r/.`, `${did}/c/r`],
    [`${did}/c/..//d/`, `${did}/d`],
    [`${did}/...`, `${did}/...`],
    [`${did}/.c`, `${did}/.c`],
    [`${did}/%2f%2E%2e`, `${did}/%2F..`],
    // Query and fragment as they are, except escapes.
    [`${did}?x`, `${did}?x`],
    [`${did}/?`, `${did}?`],
    [`${did}/c/r/?a b/../c#%41 #`, `${did}/c/r?a b/../c#A #`],
    // A colon in the path is only a character: it begins no scheme.
    [`${did}/a:b/c`, `${did}/a:b/c`],
    [`${did}/mailto:a/b`, `${did}/mailto:a/b`],
    [`${did}/https://example.com`, `${did}/https://example.com`],
    [`${did}/-c:d`, `${did}/-c:d`],
    [`${did}/1c:d/../e`, `${did}/e`],
  ])('%s becomes %s', (text, expected) => {
    expect(normaliseAtUri(text)).toBe(expected)
    expect(normaliseAtUri(expected)).toBe(expected)
  })

  it.each([
    '',
    'at',
    'at:',
    'at:/',
    'at:/x',
    'at://',
    'at:///x',
    'at://#x',
    'at://?x',
    'xat://a',
    'at%3A//a',
    `${did}/a b`,
    `${did}/{x}`,
    `${did}/[0]`,
    `${did}/r\\s`,
    `${did}/%`,
    `${did}/%+1`,
    `${did}#%`,
    `${did}/é`,
    'at://é',
  ])('%j is none', text => expect(normaliseAtUri(text)).toBeUndefined())

  it('an AT-URI may be 8,192 characters long', () => {
    const longest = `${did}/${'a'.repeat(maxAtUriLength - did.length - 1)}`
    expect([normaliseAtUri(longest), normaliseAtUri(`${longest}a`)]).toEqual([longest, undefined])
  })
})

describe('atUriParts', () => {
  it.each([
    [did, ['did:plc:abc', undefined, undefined]],
    [`${did}/c`, ['did:plc:abc', 'c', undefined]],
    [`${did}/c/r`, ['did:plc:abc', 'c', 'r']],
    [`${did}/c/r/more?q#f`, ['did:plc:abc', 'c', 'r']],
    [`${did}?q/c/r`, ['did:plc:abc', undefined, undefined]],
    [`${did}/c#f/r`, ['did:plc:abc', 'c', undefined]],
    [`${did}/c//r`, ['did:plc:abc', 'c', undefined]],
    ['at://alice.example/c/r', ['alice.example', 'c', 'r']],
  ])('%s', (target, [authority, collection, rkey]) => {
    expect(atUriParts(target)).toEqual({ authority, collection, rkey })
  })

  it.each(['did:plc:abc', 'https://example.com/a/b', 'at:///a/b', 'at:x'])('%s has none', target =>
    expect(atUriParts(target)).toBeUndefined(),
  )
})
