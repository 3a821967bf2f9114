import { describe, expect, it } from 'vitest'
import type { OpenStore } from '../tested-store.ts'
import { did, drop, hide, likers, likes, openIndex, put, remove, show, subject } from '../test-index.ts'

/** The accounts that link, each once. */
export function linkingDidsContract(open: OpenStore): void {
  describe('linking accounts', () => {
    const some = () => ['a1', 'b1', 'a2', 'c1', 'b2'].map(name => put(name))

    it('stand where their oldest link is, the newest of these first', async () => {
      await using index = await openIndex(open, ...some())
      expect(await index.didPages(1)).toEqual(['c', 'b', 'a'])
      expect(await index.didPages(2)).toEqual(['c b', 'a'])
      expect(await index.didPages(3)).toEqual(['c b a'])
      const page = await index.reader.linkingDids(likers, { limit: 2 })
      expect(page.total).toBe(3)
    })

    it('move up when their oldest link goes', async () => {
      await using index = await openIndex(open, ...some(), remove('a1'))
      expect(await index.didPages(1)).toEqual(['c', 'a', 'b'])
      await index.apply(remove('b1'))
      expect(await index.didPages(2)).toEqual(['b c', 'a'])
      expect((await index.reader.linkingDids(likers, { limit: 1 })).total).toBe(3)
      await index.apply(put('c1'), remove('a2'))
      expect(await index.didPages(9)).toEqual(['c b'])
      expect((await index.reader.linkingDids(likers, { limit: 1 })).total).toBe(2)
    })

    it('are there once for a record that links twice', async () => {
      await using index = await openIndex(open, put('a1', [subject, subject]), put('b1', [subject, subject]))
      expect(await index.didPages(1)).toEqual(['b', 'a'])
    })

    it('that are hidden are counted and not listed', async () => {
      await using index = await openIndex(open, ...some(), hide('b'))
      expect(await index.didPages(1)).toEqual(['c', 'a'])
      expect((await index.reader.linkingDids(likers, { limit: 9 })).total).toBe(3)
      await index.apply(show('b'), drop('c'))
      expect(await index.didPages(1)).toEqual(['b', 'a'])
      expect((await index.reader.linkingDids(likers, { limit: 9 })).total).toBe(2)
    })

    it('are not repeated by a walk during which they move up, come and go', async () => {
      await using index = await openIndex(open, ...some(), put('d1'), put('e1'))
      const first = await index.reader.linkingDids(likers, { limit: 2 })
      expect(first.items).toEqual([did('e'), did('d')])
      await index.apply(remove('d1'), put('f1'), put('e2'), remove('e1'), put('d2'))
      const second = await index.reader.linkingDids(likers, { limit: 2, after: first.next })
      expect([second.items, second.total]).toEqual([[did('c'), did('b')], 6])
      const third = await index.reader.linkingDids(likers, { limit: 2, after: second.next })
      expect([third.items, third.next]).toEqual([[did('a')], undefined])
    })

    it('of an unknown list are none', async () => {
      await using index = await openIndex(open, put('a1'))
      for (const key of [
        { target: 'https://unknown.example', source: likes },
        { target: subject, source: { ...likes, path: '.x' } },
      ]) {
        expect(await index.reader.linkingDids(key, { limit: 9 })).toEqual({
          items: [],
          next: undefined,
          total: 0,
        })
      }
    })
  })
}
