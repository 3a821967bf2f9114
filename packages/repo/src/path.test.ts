import { describe, expect, it } from 'vitest'
import { isCollection, tryParsePath } from './path.ts'

describe('a path', () => {
  it.each([
    ['app.bsky.feed.post/3mptbypluud2a', 'app.bsky.feed.post', '3mptbypluud2a'],
    ['app.bsky.actor.profile/self', 'app.bsky.actor.profile', 'self'],
    ['com.example.thing/a~b:c_d-e.f', 'com.example.thing', 'a~b:c_d-e.f'],
    [`com.example.thing/${'k'.repeat(512)}`, 'com.example.thing', 'k'.repeat(512)],
  ])('%s', (path, collection, rkey) => {
    expect(tryParsePath(path)).toEqual({ collection, rkey })
  })

  it.each([
    '',
    '/',
    'app.bsky.feed.post',
    'app.bsky.feed.post/',
    '/self',
    'app.bsky.feed.post/a/b',
    'app.bsky.feed.post/.',
    'app.bsky.feed.post/..',
    'app.bsky.feed.post/é',
    'app.bsky.feed.post/a b',
    'app/self',
    'app.bsky/self',
    'app.bsky.feed.post /self',
    ' app.bsky.feed.post/self',
    `com.example.thing/${'k'.repeat(513)}`,
    `com.example.thing/${'k'.repeat(100_000)}`,
    `com.example.${'x'.repeat(400)}/self`,
  ])('is not %.40j', path => {
    expect(tryParsePath(path)).toBeUndefined()
  })
})

describe('a collection', () => {
  it('is what it is however often one asks', () => {
    for (let i = 0; i < 3; i++) {
      expect(isCollection('com.example.asked')).toBe(true)
      expect(isCollection('com.example')).toBe(false)
    }
  })

  it('is still checked when more of them came than are remembered', () => {
    for (let i = 0; i < 10_500; i++) expect(isCollection(`com.example.n${i}`)).toBe(true)
    expect(isCollection('com.example.last')).toBe(true)
    expect(isCollection('com.example.l_st')).toBe(false)
  })
})
