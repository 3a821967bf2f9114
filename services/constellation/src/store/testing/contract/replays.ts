import { describe, expect, it } from 'vitest'
import type { Change } from '../../../store.ts'
import type { OpenStore } from '../tested-store.ts'
import { drop, hide, likers, likes, nextRev, openIndex, put, remove, show, subject } from '../test-index.ts'

/** What was applied before changes nothing when it comes again. */
export function replaysContract(open: OpenStore): void {
  describe('a replay', () => {
    it('of a put changes nothing, not even its place', async () => {
      const first = put('a1', [subject, subject])
      await using index = await openIndex(open, first, put('b1'), first)
      expect([await index.list(), await index.counts()]).toEqual(['b1 a1 a1', [3, 2]])
      await index.apply(remove('a1'))
      expect([await index.list(), await index.counts()]).toEqual(['b1', [1, 1]])
    })

    it('of an older put neither brings back nor replaces', async () => {
      const [old, other] = [put('a1'), put('a2')]
      await using index = await openIndex(
        open,
        old,
        other,
        put('b1'),
        put('a1', ['X']),
        remove('a2'),
        old,
        other,
      )
      expect([await index.list(), await index.counts()]).toEqual(['b1', [1, 1]])
      expect(await index.list({ target: 'X', source: likes })).toBe('a1')
    })

    it('of an older delete takes nothing away', async () => {
      const gone = remove('a1')
      await using index = await openIndex(
        open,
        put('a1'),
        gone,
        put('a1'),
        gone,
        put('b1'),
        put('a1', [], { rev: '2222222222222' }),
      )
      expect(await index.list()).toBe('b1 a1')
    })

    it('of whole commits in their order changes nothing', async () => {
      const rev = nextRev()
      const later = nextRev()
      const commits: Change[] = [
        put('a1', [subject], { rev }),
        put('a2', [subject, 'X'], { rev }),
        put('a3', ['X'], { rev }),
        put('b1', [subject], { rev }),
        put('a1', [subject], { rev: later }),
        remove('a3', { rev: later }),
        hide('b'),
        show('b'),
        put('a4', [subject], { rev: later }),
      ]
      await using index = await openIndex(open, ...commits)
      const answers = async (): Promise<unknown> => [
        await index.pages({ limit: 2 }),
        await index.reader.sources(subject),
        await index.reader.sources('X'),
        await index.reader.stats(),
        (await index.page({ limit: 2 })).next,
      ]
      const before = await answers()
      for (let from = 0; from < commits.length; from++) {
        await index.applyEach(...commits.slice(from))
        expect(await answers()).toEqual(before)
        await index.apply(...commits.slice(from))
        expect(await answers()).toEqual(before)
      }
    })

    it('is known after the account was deleted', async () => {
      const [one, two, gone] = [put('a1'), put('a2'), remove('a3')]
      await using index = await openIndex(open, one, two, gone, drop('a'), one, two)
      expect([await index.list(), await index.counts()]).toEqual(['', [0, 0]])
      await index.tidy()
      await index.applyEach(one, two)
      expect([await index.list(), await index.counts()]).toEqual(['', [0, 0]])
      await index.applyEach(put('a1'), two)
      expect([await index.list(), await index.counts()]).toEqual(['a1', [1, 1]])
    })

    it('of the newest commit is known after the account was deleted', async () => {
      const rev = nextRev()
      const commit = [put('a1', [subject], { rev }), put('a2', [subject], { rev })]
      await using index = await openIndex(open, ...commit, drop('a'), ...commit)
      expect([await index.list(), await index.counts()]).toEqual(['', [0, 0]])
      await index.tidy()
      await index.applyEach(...commit, remove('a2', { rev }))
      expect([await index.list(), await index.counts()]).toEqual(['', [0, 0]])
      const again = nextRev()
      await index.apply(put('a1', [subject], { rev: again }), put('a2', [subject], { rev: again }))
      await index.applyEach(...commit)
      expect([await index.list(), await index.counts()]).toEqual(['a2 a1', [2, 1]])
    })

    it('is known where a delete found nothing', async () => {
      const [first, gone] = [put('a1'), remove('a1')]
      await using index = await openIndex(open, gone, first)
      expect(await index.list()).toBe('')
      await index.apply(put('a1'))
      expect(await index.list()).toBe('a1')
    })

    it('is judged account by account', async () => {
      const [old, newer] = [nextRev(), nextRev()]
      await using index = await openIndex(
        open,
        put('a1', [subject], { rev: newer }),
        put('b1', [subject], { rev: old }),
      )
      expect(await index.list()).toBe('b1 a1')
    })

    it('is judged by the whole range of revs', async () => {
      const revs = [
        '2222222222222',
        '2222222222223',
        '3jzfcijpj2z2a',
        '7zzzzzzzzzzzz',
        'a222222222222',
        'bzzzzzzzzzzzz',
        'c222222222222',
        'jzzzzzzzzzzzz',
      ]
      await using index = await openIndex(open)
      for (const [i, rev] of revs.entries()) {
        await index.apply(put(`a${i}`, [subject], { rev }))
        for (const older of revs.slice(0, i)) await index.apply(put('a99', [subject], { rev: older }))
      }
      expect(await index.list()).toBe(
        revs
          .map((_, i) => `a${i}`)
          .toReversed()
          .join(' '),
      )
    })
  })

  describe('a put at the newest rev', () => {
    it('that holds something else is applied', async () => {
      const rev = nextRev()
      await using index = await openIndex(open, put('a1', [subject, 'X'], { rev }), put('b1'))
      await index.apply(put('a1', ['X', subject], { rev }))
      expect(await index.list()).toBe('a1 b1')
      await index.apply(put('b2'), put('a1', [subject], { rev }))
      expect([await index.list(), await index.counts({ ...likers, target: 'X' })]).toEqual([
        'a1 b2 b1',
        [0, 0],
      ])
      await index.apply(put('a1', [{ path: '.other', target: subject }], { rev }))
      expect(await index.list()).toBe('b2 b1')
      await index.apply(put('a1', [], { rev }))
      expect((await index.reader.stats()).linkingRecords).toBe(2)
    })
  })

  describe('a rev that is not known', () => {
    it('is always applied, and says nothing of others', async () => {
      const old = put('a1')
      await using index = await openIndex(
        open,
        old,
        put('b1'),
        put('a2'),
        put('a3', [subject], { rev: '' }),
        old,
      )
      expect(await index.list()).toBe('a3 a2 b1 a1')
      await index.apply(put('a1', [subject], { rev: '' }))
      expect([await index.list(), await index.counts()]).toEqual(['a1 a3 a2 b1', [4, 2]])
      await index.apply(remove('a2', { rev: '' }), put('c1', [subject], { rev: '' }))
      await index.apply(put('c1', [subject], { rev: '' }), put('a3', [], { rev: '' }))
      expect([await index.list(), await index.counts()]).toEqual(['c1 a1 b1', [3, 3]])
      await index.apply(put('c2', [subject], { rev: '2222222222222' }))
      expect(await index.list()).toBe('c2 c1 a1 b1')
    })
  })
}
