import { describe, expect, it } from 'vitest'
import type { Change, Link, SourceCounts } from '../../../store.ts'
import type { OpenStore } from '../tested-store.ts'
import { drop, hide, likes, openIndex, put, remove, subject, type TestIndex, walk } from '../test-index.ts'

const repost = 'app.bsky.feed.repost'
const post = 'app.bsky.feed.post'
const quote: Link = { path: '.embed.record.uri', target: subject }
const reply: Link = { path: '.reply.parent.uri', target: subject }

/** What links to a target, from where. */
export function sourcesContract(open: OpenStore): void {
  describe('the sources of a target', () => {
    it('stand in the order of their first link, and stay with none', async () => {
      await using index = await openIndex(
        open,
        put('a1', [subject], { collection: repost }),
        put('b1', [reply, quote, reply], { collection: post }),
        put('c1'),
        put('a2', [quote], { collection: post }),
        put('d1', ['https://other.example']),
      )
      const sources = (await index.reader.sources(subject)).map(shown)
      expect(sources).toEqual([
        `${repost}${likes.path} 1/1`,
        `${post}${reply.path} 2/1`,
        `${post}${quote.path} 2/2`,
        `${likes.collection}${likes.path} 1/1`,
      ])
      await index.applyEach(
        remove('a1', { collection: repost }),
        put('b1', [quote, quote], { collection: post }),
        drop('c'),
      )
      await index.apply(put('e1', [subject], { collection: repost }))
      expect((await index.reader.sources(subject)).map(shown)).toEqual([
        `${repost}${likes.path} 1/1`,
        `${post}${reply.path} 0/0`,
        `${post}${quote.path} 3/2`,
        `${likes.collection}${likes.path} 0/0`,
      ])
    })

    it('are none for what is not known, and known is what was ever linked', async () => {
      await using index = await openIndex(open, put('a1'), put('b1', ['https://gone.example']), remove('b1'))
      for (const target of [
        'https://unknown.example',
        '',
        subject.slice(0, -1),
        `${subject}/`,
        subject.toUpperCase(),
      ]) {
        expect([await index.reader.sources(target), await index.reader.knows(target)]).toEqual([[], false])
      }
      expect(await index.reader.knows(subject)).toBe(true)
      expect(await index.reader.knows('https://gone.example')).toBe(true)
      expect((await index.reader.sources('https://gone.example')).map(shown)).toEqual([
        `${likes.collection}${likes.path} 0/0`,
      ])
      await index.apply(drop('a'))
      expect(await index.reader.knows(subject)).toBe(true)
    })

    it('count hidden accounts', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'), hide('a'))
      expect((await index.reader.sources(subject)).map(shown)).toEqual([
        `${likes.collection}${likes.path} 2/2`,
      ])
      expect(await sourcePages(index, 9)).toEqual([`${likes.collection}${likes.path}:2`])
    })
  })

  describe('the sources of a target by count', () => {
    // Two records from each of two sources of two collections, three from another, one from another.
    const many = (): Change[] => [
      put('a1', [subject], { collection: 'org.b' }),
      put('a1', [subject, { path: '.b', target: subject }, { path: '.a', target: subject }], {
        collection: 'org.a',
      }),
      put('b1', [subject, { path: '.b', target: subject }, { path: '.a', target: subject }], {
        collection: 'org.a',
      }),
      put('b1', [subject], { collection: 'org.b' }),
      put('c1', [{ path: '.c', target: subject }], { collection: 'org.c' }),
      put('c2', [subject], { collection: 'org.a' }),
      put('c3', [subject], { collection: 'org.gone' }),
      remove('c3', { collection: 'org.gone' }),
    ]
    const ordered = ['org.a.subject.uri:3', 'org.a.a:2', 'org.a.b:2', 'org.b.subject.uri:2', 'org.c.c:1']

    it.each([1, 2, 3, 4, 5, 6])('have the most records first, then by name, %i at a time', async limit => {
      await using index = await openIndex(open, ...many())
      const pages = await sourcePages(index, limit)
      expect(pages.join(' ').split(' ')).toEqual(ordered)
      expect(pages.length).toBe(Math.ceil(5 / limit))
    })

    it.each([1, 2, 9])('leave whole collections out, %i at a time', async limit => {
      await using index = await openIndex(open, ...many())
      const excluded = async (...collections: string[]): Promise<string> =>
        (await sourcePages(index, limit, collections)).join(' ')
      expect(await excluded('org.a')).toBe('org.b.subject.uri:2 org.c.c:1')
      expect(await excluded('org.b', 'org.c', 'org.unknown')).toBe(ordered.slice(0, 3).join(' '))
      expect(await excluded('org.a', 'org.b', 'org.c')).toBe('')
      expect(await excluded('org')).toBe(ordered.join(' '))
    })

    it('go on behind a place where nothing is, or nothing any more', async () => {
      await using index = await openIndex(open, ...many())
      const behind = async (records: number, collection: string, path: string): Promise<string> => {
        const after = { records, distinct: 0, source: { collection, path } }
        const page = await index.reader.sourcesByCount(subject, { limit: 9, after })
        return page.items.map(short).join(' ')
      }
      expect(await behind(2, 'org.a', '.aa')).toBe('org.a.b:2 org.b.subject.uri:2 org.c.c:1')
      expect(await behind(2, '', '')).toBe(ordered.slice(1).join(' '))
      expect(await behind(1, 'org.c', '.c')).toBe('')
      expect(await behind(0, '', '')).toBe('')
      expect(await behind(Number.MAX_SAFE_INTEGER, 'z', '')).toBe(ordered.join(' '))
    })

    it('put names in the order of their UTF-8 bytes', async () => {
      const names = ['\u{1f98b}', '\uffee', 'é', 'z', 'a', 'Z', '', '~', 'aa', 'a\0']
      await using index = await openIndex(
        open,
        put(
          'a1',
          names.map(path => ({ path, target: subject })),
          { collection: 'org.a' },
        ),
      )
      const page = await index.reader.sourcesByCount(subject, { limit: 99 })
      const paths = ['', 'Z', 'a', 'a\0', 'aa', 'z', '~', 'é', '\uffee', '\u{1f98b}']
      expect(page.items.map(({ source }) => source.path)).toEqual(paths)
    })
  })
}

const shown = ({ source, records, distinct }: SourceCounts): string =>
  `${source.collection}${source.path} ${records}/${distinct}`

const short = ({ source, records }: SourceCounts): string => `${source.collection}${source.path}:${records}`

function sourcePages(index: TestIndex, limit: number, excludedCollections: string[] = []): Promise<string[]> {
  return walk(
    (after: SourceCounts | undefined) =>
      index.reader.sourcesByCount(subject, { limit, after, excludedCollections }),
    short,
  )
}
