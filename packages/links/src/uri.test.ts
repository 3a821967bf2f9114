import { describe, expect, it } from 'vitest'
import { normaliseUri } from './uri.ts'

describe('normaliseUri', () => {
  it.each([
    // Scheme and host in lower case, and nothing else.
    ['HTTPS://EXAMPLE.com/Path?Q#F', 'https://example.com/Path?Q#F'],
    ['URN:ISBN:0451450523', 'urn:ISBN:0451450523'],
    ['https://User:Pass@Example.COM/x', 'https://User:Pass@example.com/x'],
    ['http://ex%C3%A4MPLE.com/', 'http://ex%C3%A4mple.com/'],
    ['https://EX%41MPLE.com/', 'https://example.com/'],
    // Ports: an empty one goes, every other stays as it is.
    ['https://example.com:', 'https://example.com'],
    ['https://example.com:443/', 'https://example.com:443/'],
    ['http://example.com:0080/', 'http://example.com:0080/'],
    ['http://1.2.3.4:99999/', 'http://1.2.3.4:99999/'],
    ['https://[::1]:/x', 'https://[::1]/x'],
    // Nothing is added and nothing taken away.
    ['https://example.com', 'https://example.com'],
    ['https://example.com/', 'https://example.com/'],
    ['https://example.com?', 'https://example.com?'],
    ['https://example.com#', 'https://example.com#'],
    // Escapes and dots.
    ['https://example.com/%7euser/%e3?%41=%2f#%5A', 'https://example.com/~user/%E3?A=%2F#Z'],
    ['http://host/a%2Fb/%2e%2e/c', 'http://host/c'],
    ['http://host?a/../b', 'http://host?a/../b'],
    ['urn:a/../b', 'urn:a/../b'],
    ['foo:/a/../..//b', 'foo:/.//b'],
    ['foo:/.//b', 'foo:/.//b'],
    // Legal, if odd.
    ['a:', 'a:'],
    ['http://', 'http://'],
    ['a:///b', 'a:///b'],
    ['http://@:80', 'http://@:80'],
    ["x:!$&'()*+,;=:@-._~/?", "x:!$&'()*+,;=:@-._~/?"],
  ])('%s becomes %s', (text, expected) => expect(normaliseUri(text)).toBe(expected))

  it.each([
    '',
    'word',
    '//example.com',
    '/x',
    '?q',
    '#f',
    ':x',
    '1a:b',
    '-a:b',
    'a_b:c',
    'a/b:c',
    'a?b:c',
    '%61:b',
    'a%62:c',
    'http://exa mple.com/',
    'http://a:b:c/',
    'http://h:8a/',
    'http://h:%38/',
    'http://a@b@c/',
    'http://[::1',
    'http://[]/',
    'http://[::1]x/',
    'http://x[::1]/',
    'http://[::%31]/',
    'http://[fe80::1%25eth0]/',
    ...Array.from('{}|^<>"`\\[] \n\té', char => `x:${char}`),
    'x:%',
    'x:%4',
    'x:?%zz',
    'x:#%',
    'http://%@h/',
    'http://%4x/',
    'x:#a#b',
    'https://example.com\n',
  ])('%j is none', text => expect(normaliseUri(text)).toBeUndefined())
})
