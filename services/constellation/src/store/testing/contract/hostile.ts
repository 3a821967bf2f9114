import { describe, expect, it } from 'vitest'
import type { Change, Link, ListKey, RecordKey } from '../../../store.ts'
import type { OpenStore } from '../tested-store.ts'
import {
  likers,
  likes,
  nextRev,
  noProgress,
  openIndex,
  put,
  startMs,
  subject,
  TestIndex,
} from '../test-index.ts'

const long = 'x'.repeat(8_192)

/** Pairwise different, and alike in all the ways that stores mix texts up. */
const texts = [
  [
    '',
    ' ',
    '  ',
    '\0',
    '\0\0',
    'a',
    'a\0',
    'a\0b',
    '\0a',
    'a ',
    ' a',
    'A',
    'a.',
    'a\n',
    'a\t',
    "a'b",
    'a"b',
    'a\\b',
  ],
  [
    '0',
    '00',
    '1',
    '01',
    '1.0',
    '1e0',
    '+1',
    '0x1',
    '9007199254740993',
    '9223372036854775808',
    'null',
    'NULL',
    'true',
  ],
  [
    '%',
    '_',
    '*',
    '?',
    '[a]',
    'a%',
    'a_',
    '🦋',
    '🦋🦋',
    '\u{10ffff}',
    '\uffff',
    '\ufeff',
    '\ufeffa',
    '\ufffd',
    'ﬁ',
    'fi',
  ],
  [
    'é',
    'e\u0301',
    '\u2028',
    '\u202e',
    '\u0085',
    '\u00a0',
    '__proto__',
    'constructor',
    'toString',
    '["a","b"]',
  ],
  ['a|b', 'a:b', 'a/b', 'a,b', long, `${long}y`, `${long}z`, `y${long}`],
  ['🦋'.repeat(2_048), `${'🦋'.repeat(2_047)}🐛`],
].flat()

/** Record keys: TIDs, what looks like one, and what never would. */
const rkeys = [
  ['3jzfcijpj2z2a', '3jzfcijpj2z2b', '2222222222222', '7777777777777', 'jzzzzzzzzzzzz', 'bzzzzzzzzzzzz'],
  ['c222222222222', 'kzzzzzzzzzzzz', 'zzzzzzzzzzzzz', '3JZFCIJPJ2Z2A', '3jzfcijpj2z2', '3jzfcijpj2z2aa'],
  ['3jzfcijpj2z21', '3jzfcijpj2z2\0', '1111111111111', '222222222222', '22222222222222', '-222222222222'],
  ['self', 'Self', 'did:plc:x', 'app.bsky.feed.post'],
  texts,
].flat()

const dids = [
  ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', 'did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ', 'did:plc:ewvi7nxzyoun6zhxrhs64oi'],
  ['did:plc:ewvi7nxzyoun6zhxrhs64oiz2', 'did:plc:ewvi7nxzyoun6zhxrhs64oi1', 'did:plc:', 'did:plc'],
  ['did:web:example.com', 'did:web:Example.com', 'did:web:example.com%3A80', 'ewvi7nxzyoun6zhxrhs64oiz'],
  ['plc:ewvi7nxzyoun6zhxrhs64oiz', 'did:plc:🦋'],
  texts,
].flat()

/** Any text is kept exactly as it is, wherever it stands. */
export function hostileContract(open: OpenStore): void {
  describe('texts of every kind', () => {
    it('are targets, each for itself', async () => {
      await using index = await openIndex(open)
      await index.apply(...texts.map((target, i) => put(`a${i}`, [target])))
      const keys = texts.map(target => ({ target, source: likes }))
      expect(await index.reader.counts(keys)).toEqual(texts.map(() => ({ records: 1, distinct: 1 })))
      for (const [i, key] of keys.entries()) {
        expect(await index.list(key)).toBe(`a${i}`)
        expect(await index.reader.knows(key.target)).toBe(true)
        expect(await index.reader.sources(key.target)).toEqual([{ source: likes, records: 1, distinct: 1 }])
      }
      const groups = await openIndex(
        open,
        put('a1', [subject, ...texts.map(target => ({ path: '', target }))]),
      )
      await using _ = groups
      const { items } = await groups.reader.join({ ...likers, pathToOther: '' }, { limit: 1_000 })
      expect(items.map(({ otherTarget }) => otherTarget)).toEqual(texts)
    })

    it('are paths and collections, each pair for itself', async () => {
      await using index = await openIndex(open)
      const sources = [
        ...texts.map(path => ({ collection: 'org.a', path })),
        ...texts.map(collection => ({ collection, path: '.a' })),
        // The same when joined together.
        ...[
          ['a', 'b.c'],
          ['a.b', '.c'],
          ['a.b.c', ''],
          ['', 'a.b.c'],
          ['a|b', 'c'],
          ['a', 'b|c'],
        ].map(([collection, path]) => ({ collection: collection!, path: path! })),
      ]
      for (const [i, { collection, path }] of sources.entries()) {
        await index.apply(put(`a${i}`, [{ path, target: subject }], { collection }))
      }
      for (const [i, source] of sources.entries())
        expect(await index.list({ target: subject, source })).toBe(`a${i}`)
      const known = await index.reader.sources(subject)
      expect(known).toEqual(sources.map(source => ({ source, records: 1, distinct: 1 })))
      expect((await index.reader.stats()).targetables).toBe(sources.length)
    })

    it('are record keys and accounts, and come back the same', async () => {
      await using index = await openIndex(open)
      const keys: RecordKey[] = [
        ...rkeys.map(rkey => ({ did: dids[0]!, collection: likes.collection, rkey })),
        ...dids.slice(1).map(did => ({ did, collection: likes.collection, rkey: rkeys[0]! })),
      ]
      const held = (i: number): Link[] => [
        { path: likes.path, target: subject },
        { path: '.n', target: String(i) },
      ]
      await index.apply(
        ...keys.map((record, i): Change => ({ kind: 'put', record, rev: '', links: held(i) })),
      )
      const { items, total } = await index.page({ limit: 1_000, reverse: true })
      expect(items).toEqual(keys)
      expect(total).toEqual({ records: keys.length, distinct: dids.length })
      for (const [i, key] of keys.entries()) expect(await index.reader.forward(key)).toEqual(held(i))
      const linking = await index.reader.linkingDids(likers, { limit: 1_000 })
      expect(linking.items).toEqual(dids.toReversed())

      for (const did of dids) {
        const { total: own } = await index.page({ limit: 1, dids: [did] })
        expect(own).toEqual(
          did === dids[0] ? { records: rkeys.length, distinct: 1 } : { records: 1, distinct: 1 },
        )
      }
      const [left, gone] = [keys.filter((_, i) => i % 2 === 0), keys.filter((_, i) => i % 2 === 1)]
      await index.apply(...gone.map((record): Change => ({ kind: 'delete', record, rev: '' })))
      expect((await index.page({ limit: 1_000, reverse: true })).items).toEqual(left)
    })

    it('make different records, also where they are the same when joined together', async () => {
      await using index = await openIndex(open)
      const keys = ['/', '|', ' ', '\0', ',', ''].flatMap(between =>
        [
          [`a${between}b${between}c${between}d`, '', ''],
          [`a${between}b${between}c`, 'd', ''],
          [`a${between}b`, `c${between}d`, ''],
          [`a${between}b`, 'c', 'd'],
          ['a', `b${between}c`, 'd'],
          ['a', 'b', `c${between}d`],
        ].map(([did, collection, rkey]) => ({ did: did!, collection: collection!, rkey: rkey! })),
      )
      const held = (i: number): Link[] => [{ path: '.n', target: String(i) }]
      await index.apply(
        ...keys.map((record, i): Change => ({ kind: 'put', record, rev: '', links: held(i) })),
      )
      for (const [i, key] of keys.entries()) expect(await index.reader.forward(key)).toEqual(held(i))
      expect((await index.reader.stats()).linkingRecords).toBe(keys.length)
      await index.apply({ kind: 'delete', record: keys[0]!, rev: '' })
      expect((await index.reader.stats()).linkingRecords).toBe(keys.length - 1)
    })

    it('are hidden and deleted each by itself', async () => {
      await using index = await openIndex(open)
      const record = (did: string): RecordKey => ({ did, collection: likes.collection, rkey: 'self' })
      const links = [{ path: likes.path, target: subject }]
      await index.apply(
        ...dids.map((did): Change => ({ kind: 'put', record: record(did), rev: nextRev(), links })),
      )
      const [hidden, rest] = [dids.filter((_, i) => i % 3 === 0), dids.filter((_, i) => i % 3 !== 0)]
      await index.apply(...hidden.map((did): Change => ({ kind: 'account', did, active: false })))
      const [deleted, left] = [rest.filter((_, i) => i % 2 === 0), rest.filter((_, i) => i % 2 !== 0)]
      await index.apply(...deleted.map((did): Change => ({ kind: 'delete_account', did })))
      await index.tidy()
      expect((await index.page({ limit: 1_000, reverse: true })).items).toEqual(left.map(record))
      expect((await index.counts())[0]).toBe(left.length + hidden.length)
    })
  })

  it('takes a record with a thousand links, and gives it back in its order', async () => {
    await using index = new TestIndex(await open())
    const links = Array.from({ length: 1_000 }, (_, i) => ({
      path: i % 2 ? likes.path : `.deep.${i % 7}`,
      target: i % 3 ? subject : `https://${i % 11}.example`,
    }))
    await index.apply(put('b1'), put('a1', links), put('c1'))
    const { record } = put('a1') as Extract<Change, { kind: 'put' }>
    expect(await index.reader.forward(record)).toEqual(links)
    const own = links.filter(({ path, target }) => path === likes.path && target === subject).length
    expect(await index.counts()).toEqual([own + 2, 3])
    for (const reverse of [false, true]) {
      const names = (await index.pages({ limit: 300, reverse })).join(' ').split(' ')
      expect(names).toEqual([reverse ? 'b1' : 'c1', ...Array<string>(own).fill('a1'), reverse ? 'c1' : 'b1'])
    }
    const pairs = await index.joinPages(199, {
      ...likers,
      pathToOther: '.deep.0',
      dids: [record.did],
      otherTargets: ['https://0.example'],
    })
    const others = links.filter(
      ({ path, target }) => path === '.deep.0' && target === 'https://0.example',
    ).length
    expect(pairs.join(' ').split(' ').length).toBe(own * others)
    await index.apply(put('a1', [subject]))
    expect([await index.list(), await index.counts()]).toEqual(['a1 c1 b1', [3, 3]])
  })

  it('takes thousands of changes in one call', async () => {
    await using index = await openIndex(open)
    const changes = Array.from({ length: 5_000 }, (_, i) =>
      put(`${'abcdefghij'[i % 10]}${i}`, [i % 2 ? subject : `X${i}`]),
    )
    await index.store.writer.apply(changes, noProgress, startMs)
    expect(await index.counts()).toEqual([2_500, 5])
    expect((await index.pages({ limit: 1_000 })).map(page => page.split(' ').length)).toEqual([
      1_000, 1_000, 500,
    ])
    const keys: ListKey[] = changes.map((_, i) => ({ target: `X${i}`, source: likes }))
    const counts = await index.reader.counts(keys)
    expect(counts.map(({ records }) => records)).toEqual(keys.map((_, i) => (i + 1) % 2))
  })
}
