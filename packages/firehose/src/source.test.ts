import { describe, expect, it } from 'vitest'
import { defaultSources, parseSource, parseSources } from './source.ts'

const subscribeRepos = '/xrpc/com.atproto.sync.subscribeRepos'

describe('parseSource', () => {
  it.each([
    ['wss://relay.test', `wss://relay.test${subscribeRepos}`],
    ['relay.test', `wss://relay.test${subscribeRepos}`],
    ['relay.test:8443', `wss://relay.test:8443${subscribeRepos}`],
    ['https://relay.test/', `wss://relay.test${subscribeRepos}`],
    ['http://localhost:2583', `ws://localhost:2583${subscribeRepos}`],
    [`wss://relay.test${subscribeRepos}/`, `wss://relay.test${subscribeRepos}`],
  ])('reads %s as a relay', (text, key) => {
    expect(parseSource(text)).toMatchObject({ kind: 'relay', key })
  })

  it.each([
    ['wss://jetstream.test/subscribe', 'wss://jetstream.test/subscribe'],
    ['jetstream.test/some/path/subscribe/', 'wss://jetstream.test/some/path/subscribe'],
  ])('reads %s as a Jetstream', (text, key) => {
    expect(parseSource(text)).toMatchObject({ kind: 'jetstream', key })
  })

  it('keeps the query for asking, and out of the name of the cursor', () => {
    const source = parseSource('wss://user:secret@j.test/subscribe?wantedCollections=a.b.c#x')
    expect(source.url.search).toBe('?wantedCollections=a.b.c')
    expect(source.url.hash).toBe('')
    expect([source.key, source.name]).toEqual(['wss://j.test/subscribe', 'j.test'])
  })

  it.each(['', 'ftp://relay.test', 'wss://', 'wss://relay.test/other', 'not an address'])(
    'refuses "%s", and says what it wants',
    text => {
      expect(() => parseSource(text)).toThrow(TypeError)
      expect(() => parseSource(text)).toThrow(`"${text}"`)
    },
  )
})

describe('parseSources', () => {
  it('takes several of one kind', () => {
    expect(parseSources(defaultSources).map(({ kind }) => kind)).toEqual(['relay', 'relay', 'relay'])
  })

  it('refuses two kinds, and doubles', () => {
    expect(() => parseSources(['wss://a', 'wss://b/subscribe'])).toThrow('two kinds')
    expect(() => parseSources(['wss://a', 'https://a/'])).toThrow('twice')
  })
})
