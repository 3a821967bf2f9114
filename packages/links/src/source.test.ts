import { describe, expect, it } from 'vitest'
import { formatSource, tryParseSource } from './source.ts'

describe('a source', () => {
  it.each([
    ['app.bsky.feed.like', '.subject.uri', 'app.bsky.feed.like:subject.uri'],
    [
      'app.bsky.feed.post',
      '.facets[].features[app.bsky.richtext.facet#mention].did',
      'app.bsky.feed.post:facets[].features[app.bsky.richtext.facet#mention].did',
    ],
    ['a.b.c', '.d[did:plc:abc].$type', 'a.b.c:d[did:plc:abc].$type'],
    ['a.b.c', '..x', 'a.b.c:.x'],
    ['a.b.c', '.', 'a.b.c:'],
  ])('of %s at %s', (collection, path, text) => {
    expect(formatSource(collection, path)).toBe(text)
    expect(tryParseSource(text)).toEqual({ collection, path })
  })

  it.each([
    '',
    ':',
    ':subject',
    'app.bsky.feed.like',
    'notansid:subject',
    'a b.c.d:x',
    `a.b.c:${'x'.repeat(3000)}`,
  ])('%s is none', text => expect(tryParseSource(text)).toBeUndefined())

  it('a path without a dot in front is written as it is', () => {
    expect(formatSource('a.b.c', '[].x')).toBe('a.b.c:[].x')
  })
})
