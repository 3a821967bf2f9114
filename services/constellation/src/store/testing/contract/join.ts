import { describe, expect, it } from 'vitest'
import type { Change, JoinKey, JoinPosition, Link } from '../../../store.ts'
import type { OpenStore } from '../tested-store.ts'
import {
  did,
  drop,
  hide,
  likers,
  likes,
  nameOf,
  openIndex,
  put,
  remove,
  show,
  subject,
} from '../test-index.ts'

const pathToOther = '.list'
const key: JoinKey = { ...likers, pathToOther }

function others(...targets: string[]): Link[] {
  return targets.map(target => ({ path: pathToOther, target }))
}

/** The contract's own example: a1 links to X and Y, b1 to X, a2 to Z, d1 to nothing else. */
const example = (): Change[] => [
  put('a1', [subject, { path: '.unrelated', target: 'X' }, ...others('X', 'Y')]),
  put('b1', [subject, ...others('X')]),
  put('a2', [subject, ...others('Z')]),
  put('d1', [subject]),
]

/** Records that link to a subject, and what else these link to. */
export function joinContract(open: OpenStore): void {
  describe('a join', () => {
    it.each([
      [1, ['a1:X', 'a1:Y', 'b1:X', 'a2:Z']],
      [2, ['a1:X a1:Y', 'b1:X a2:Z']],
      [3, ['a1:X a1:Y b1:X', 'a2:Z']],
      [4, ['a1:X a1:Y b1:X a2:Z']],
      [5, ['a1:X a1:Y b1:X a2:Z']],
    ])('has a pair for every other side, oldest first, %i at a time', async (limit, pages) => {
      await using index = await openIndex(open, ...example())
      expect(await index.joinPages(limit, key)).toEqual(pages)
    })

    it('is of some accounts, of some other sides, and of nothing for unknown ones', async () => {
      await using index = await openIndex(open, ...example())
      expect(await index.joinPages(9, { ...key, dids: [did('a')] })).toEqual(['a1:X a1:Y a2:Z'])
      expect(await index.joinPages(1, { ...key, dids: [did('z'), did('b')] })).toEqual(['b1:X'])
      expect(await index.joinPages(1, { ...key, otherTargets: ['X'] })).toEqual(['a1:X', 'b1:X'])
      expect(await index.joinPages(1, { ...key, otherTargets: ['Y', 'Z', 'W'] })).toEqual(['a1:Y', 'a2:Z'])
      expect(await index.joinPages(1, { ...key, dids: [did('a')], otherTargets: ['X', 'X'] })).toEqual([
        'a1:X',
      ])
      for (const nothing of [
        { dids: [did('z')] },
        { dids: [] },
        { otherTargets: ['W'] },
        { otherTargets: [] },
        { dids: [did('b')], otherTargets: ['Y'] },
        { pathToOther: '.unknown' },
        { target: 'https://unknown.example' },
        { source: { ...likes, path: '.x' } },
      ]) {
        expect(await index.reader.join({ ...key, ...nothing }, { limit: 9 })).toEqual({
          items: [],
          next: undefined,
        })
        expect(await index.groups(9, { ...key, ...nothing })).toEqual([])
      }
    })

    it('has the pairs of a record again for each of its links to the subject', async () => {
      await using index = await openIndex(
        open,
        put('a1', [...others('X'), subject, ...others('Y'), subject, ...others('X')]),
        put('b1', [subject, ...others('Y')]),
      )
      const pairs = 'a1:X a1:Y a1:X a1:X a1:Y a1:X b1:Y'
      for (const limit of [1, 2, 3, 4, 5, 6, 7]) {
        expect((await index.joinPages(limit, key)).join(' ')).toBe(pairs)
      }
      expect((await index.joinPages(2, { ...key, otherTargets: ['X'] })).join(' ')).toBe(
        'a1:X a1:X a1:X a1:X',
      )
      expect(await index.groups(9, key)).toEqual(['X:2/1', 'Y:1/1'])
    })

    it('with its own source pairs a record with itself too', async () => {
      await using index = await openIndex(open, put('a1', [subject, 'X']), put('b1', ['Y', subject]))
      const self = { ...key, pathToOther: likes.path }
      expect(await index.joinPages(2, self)).toEqual([`a1:${subject} a1:X`, `b1:Y b1:${subject}`])
      expect(await index.groups(1, self)).toEqual(['Y:1/1', `${subject}:1/1`])
    })

    it('looks at other sides in records of its collection only', async () => {
      await using index = await openIndex(
        open,
        put('a1', [subject, ...others('X')]),
        put('a1', [subject, ...others('Y')], { collection: 'app.bsky.feed.repost' }),
      )
      expect(await index.joinPages(9, key)).toEqual(['a1:X'])
    })

    it('leaves hidden accounts out, pairs and numbers', async () => {
      await using index = await openIndex(open, ...example(), hide('a'))
      expect(await index.joinPages(1, key)).toEqual(['b1:X'])
      expect(await index.joinPages(1, { ...key, dids: [did('a')] })).toEqual([])
      expect(await index.groups(9, key)).toEqual(['X:1/1'])
      await index.apply(show('a'), drop('b'))
      expect(await index.joinPages(9, key)).toEqual(['a1:X a1:Y a2:Z'])
      expect(await index.groups(9, key)).toEqual(['X:1/1', 'Z:1/1'])
    })

    it('goes on right behind its place when that is gone, and meets what came meanwhile last', async () => {
      await using index = await openIndex(open, ...example())
      const first = await index.reader.join(key, { limit: 1 })
      await index.apply(
        put('a1', [subject, ...others('V')]),
        remove('b1'),
        put('e1', [subject, ...others('X', 'Y')]),
      )
      const second = await index.reader.join(key, { limit: 9, after: first.next })
      const pairs = second.items.map(({ record, otherTarget }) => `${nameOf(record)}:${otherTarget}`)
      expect([pairs.join(' '), second.next]).toEqual(['a2:Z a1:V e1:X e1:Y', undefined])
    })

    it('ends within a record that goes during the walk', async () => {
      await using index = await openIndex(open, ...example())
      const first = await index.reader.join(key, { limit: 1 })
      await index.apply(remove('a1'))
      const second = await index.reader.join(key, { limit: 1, after: first.next })
      expect(second.items.map(({ record }) => nameOf(record))).toEqual(['b1'])
    })

    it('begins at either end for a place beyond it', async () => {
      await using index = await openIndex(open, ...example())
      const beyond = Number.MAX_SAFE_INTEGER
      const at = async (after: JoinPosition): Promise<number> =>
        (await index.reader.join(key, { limit: 9, after })).items.length
      expect(await at({ seq: beyond, link: beyond, other: beyond })).toBe(0)
      expect(await at({ seq: 0, link: 0, other: 0 })).toBe(4)
      expect(await at({ seq: 0, link: beyond, other: beyond })).toBe(4)
    })
  })

  describe('the groups of a join', () => {
    it('have each record once, at its first other side that passes', async () => {
      await using index = await openIndex(open, ...example())
      expect(await index.groups(9, key)).toEqual(['X:2/2', 'Z:1/1'])
      expect(await index.groups(9, { ...key, otherTargets: ['Y'] })).toEqual(['Y:1/1'])
      expect(await index.groups(9, { ...key, otherTargets: ['Z', 'Y'] })).toEqual(['Y:1/1', 'Z:1/1'])
      expect(await index.groups(9, { ...key, dids: [did('a')] })).toEqual(['X:1/1', 'Z:1/1'])
    })

    it('count records and accounts', async () => {
      await using index = await openIndex(
        open,
        ...['a1', 'a2', 'b1', 'a3'].map(name => put(name, [subject, ...others('X')])),
        put('c1', [subject, subject, ...others('Y', 'X')]),
      )
      expect(await index.groups(9, key)).toEqual(['X:4/2', 'Y:2/1'])
    })

    it('come page by page in an order that stays, whatever comes and goes', async () => {
      const names = Array.from({ length: 12 }, (_, i) => `https://${i}.example`)
      await using index = await openIndex(
        open,
        ...names.map((name, i) => put(`a${i}`, [subject, ...others(name)])),
        ...names.map((name, i) => put(`b${i}`, [subject, ...others(name)])),
      )
      const whole = (await index.reader.joinCounts(key, { limit: 100 })).items
      expect(whole.length).toBe(12)
      for (const limit of [1, 5, 6, 11, 12]) {
        const seen = []
        let after: string | undefined
        let pages = 0
        do {
          const page = await index.reader.joinCounts(key, { limit, after })
          seen.push(...page.items)
          after = page.next
          pages++
        } while (after !== undefined)
        expect(seen).toEqual(whole)
        expect(pages).toBe(Math.ceil(12 / limit))
      }
      // Half of the walk, then every group's number changes, one group goes and one comes.
      const first = await index.reader.joinCounts(key, { limit: 6 })
      const gone = names.findIndex(name => name === whole[8]!.otherTarget)
      await index.apply(
        remove(`a${gone}`),
        remove(`b${gone}`),
        ...names.flatMap((name, i) => (i === gone ? [] : [put(`a${i}`, [subject, ...others(name)])])),
        put('c1', [subject, ...others('https://new.example')]),
      )
      const rest = await index.reader.joinCounts(key, { limit: 100, after: first.next })
      const stayed = [...first.items, ...rest.items].map(group => group.otherTarget)
      expect(new Set(stayed).size).toBe(stayed.length)
      expect(stayed.filter(name => name !== 'https://new.example')).toEqual(
        whole.map(group => group.otherTarget).filter(name => name !== whole[8]!.otherTarget),
      )
    })

    it('take any text for a place', async () => {
      await using index = await openIndex(open, ...example())
      for (const after of [
        '',
        'X',
        '0',
        '-1',
        '1e999',
        '9'.repeat(400),
        'NaN',
        '\0',
        '{"a":1}',
        '🦋',
        '1,2',
      ]) {
        const { items } = await index.reader.joinCounts(key, { limit: 9, after })
        expect(items.length).toBeLessThanOrEqual(2)
      }
    })
  })
}
