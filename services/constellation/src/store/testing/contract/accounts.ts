import { describe, expect, it } from 'vitest'
import type { OpenStore } from '../tested-store.ts'
import {
  did,
  drop,
  hide,
  likers,
  likes,
  openIndex,
  put,
  recordKey,
  remove,
  show,
  subject,
} from '../test-index.ts'

/** Accounts that are hidden, come back, go for ever, and begin anew. */
export function accountsContract(open: OpenStore): void {
  const five = () => ['a1', 'b1', 'c1', 'd1', 'e1'].map(name => put(name))

  describe('a hidden account', () => {
    it('is in the counts and not in lists, and comes back in its place', async () => {
      await using index = await openIndex(open, ...five(), hide('c'))
      expect(await index.pages({ limit: 2 })).toEqual(['e1 d1', 'b1 a1'])
      expect(await index.pages({ limit: 2, reverse: true })).toEqual(['a1 b1', 'd1 e1'])
      expect((await index.page({ limit: 2 })).total).toEqual({ records: 5, distinct: 5 })
      expect(await index.counts()).toEqual([5, 5])
      await index.apply(show('c'))
      expect(await index.list()).toBe('e1 d1 c1 b1 a1')
      await index.apply(show('c'), show('a'))
      expect([await index.list(), await index.counts()]).toEqual(['e1 d1 c1 b1 a1', [5, 5]])
    })

    it('alone in a list leaves it empty, with its total', async () => {
      await using index = await openIndex(open, put('a1'), put('a2'), hide('a'), hide('a'))
      const total = { records: 2, distinct: 1 }
      expect(await index.page({ limit: 1 })).toEqual({ items: [], next: undefined, total })
    })

    it('goes on linking out of sight', async () => {
      await using index = await openIndex(open, ...five(), hide('c'), put('c2'), remove('c1'), put('c3'))
      expect([await index.list(), await index.counts()]).toEqual(['e1 d1 b1 a1', [6, 5]])
      await index.apply(show('c'))
      expect(await index.list()).toBe('c3 c2 e1 d1 b1 a1')
    })

    it('is remembered before it links', async () => {
      await using index = await openIndex(open, hide('a'), put('a1'), put('b1'))
      expect([await index.list(), await index.counts()]).toEqual(['b1', [2, 2]])
      await index.apply(show('a'))
      expect(await index.list()).toBe('b1 a1')
      await index.apply(hide('b'), remove('b1'), put('b2'))
      expect([await index.list(), await index.counts()]).toEqual(['a1', [2, 2]])
    })

    it('may be shown and hidden within one call', async () => {
      await using index = await openIndex(open)
      await index.apply(put('a1'), hide('a'), put('b1'), show('a'), hide('b'), put('a2'))
      expect([await index.list(), await index.counts()]).toEqual(['a2 a1', [3, 2]])
    })
  })

  describe('a deleted account', () => {
    it('is gone at once, before, during and after tidying up', async () => {
      await using index = await openIndex(
        open,
        ...five(),
        put('c2', [subject, subject]),
        put('f1', ['X']),
        drop('c'),
      )
      const check = async (): Promise<void> => {
        expect([await index.list(), await index.counts()]).toEqual(['e1 d1 b1 a1', [4, 4]])
        expect(await index.pages({ limit: 2, reverse: true })).toEqual(['a1 b1', 'd1 e1'])
        expect((await index.page({ limit: 9 })).total).toEqual({ records: 4, distinct: 4 })
        expect((await index.page({ limit: 9, dids: [did('c')] })).total).toEqual({ records: 0, distinct: 0 })
        expect(await index.didPages(9)).toEqual(['e d b a'])
        expect(await index.reader.forward(recordKey('c1'))).toEqual([])
        expect(await index.reader.sources(subject)).toEqual([{ source: likes, records: 4, distinct: 4 }])
        expect(await index.reader.stats()).toMatchObject({ dids: 5, linkingRecords: 5, links: 5 })
      }
      await check()
      await index.store.writer.tidy()
      await check()
      await index.tidy()
      await check()
      expect(await index.store.writer.tidy()).toBe(false)
    })

    it('that links again begins anew, on top', async () => {
      await using index = await openIndex(open, ...five(), put('c2'), drop('c'), put('c1'))
      for (const step of ['before', 'while', 'after']) {
        if (step === 'while') await index.store.writer.tidy()
        if (step === 'after') await index.tidy()
        expect([await index.list(), await index.counts()]).toEqual(['c1 e1 d1 b1 a1', [5, 5]])
        expect(await index.reader.forward(recordKey('c1'))).toEqual([{ path: likes.path, target: subject }])
        expect(await index.list(likers, { dids: [did('c')] })).toBe('c1')
      }
      await index.apply(remove('c1'))
      expect([await index.list(), await index.counts()]).toEqual(['e1 d1 b1 a1', [4, 4]])
    })

    it('that was hidden and links again can be seen', async () => {
      await using index = await openIndex(open, put('a1'), hide('a'), drop('a'), put('a2'), put('b1'))
      expect([await index.list(), await index.counts()]).toEqual(['b1 a2', [2, 2]])
      await index.tidy()
      expect([await index.list(), await index.counts()]).toEqual(['b1 a2', [2, 2]])
    })

    it('that is hidden afterwards stays so when it links again', async () => {
      await using index = await openIndex(open, put('a1'), drop('a'), hide('a'), put('a2'), put('b1'))
      expect([await index.list(), await index.counts()]).toEqual(['b1', [2, 2]])
      await index.tidy()
      await index.apply(show('a'))
      expect([await index.list(), await index.counts()]).toEqual(['b1 a2', [2, 2]])
    })

    it('does not come back when it is said to be active', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'), drop('a'), show('a'))
      expect([await index.list(), await index.counts()]).toEqual(['b1', [1, 1]])
      await index.apply(hide('a'), show('a'))
      await index.tidy()
      expect([await index.list(), await index.counts()]).toEqual(['b1', [1, 1]])
    })

    it('may be deleted again and again, in one call and half way through tidying up', async () => {
      await using index = await openIndex(open, put('a1'), put('a2'), put('b1'))
      await index.apply(drop('a'), put('a1'), put('a3'), drop('a'), put('a3'), put('a4'))
      expect([await index.list(), await index.counts()]).toEqual(['a4 a3 b1', [3, 2]])
      await index.store.writer.tidy()
      await index.apply(drop('a'), drop('a'), put('a4'), drop('b'))
      await index.store.writer.tidy()
      expect([await index.list(), await index.counts()]).toEqual(['a4', [1, 1]])
      await index.tidy()
      expect([await index.list(), await index.counts()]).toEqual(['a4', [1, 1]])
      expect(await index.reader.stats()).toMatchObject({ dids: 1, linkingRecords: 1, links: 1 })
    })

    it('stays a target', async () => {
      const targets = [did('a'), `at://${did('a')}/app.bsky.feed.post/1`]
      await using index = await openIndex(open, put('a1', targets), put('b1', targets), drop('a'))
      await index.tidy()
      for (const target of targets) {
        expect(await index.counts({ target, source: likes })).toEqual([1, 1])
        expect(await index.list({ target, source: likes })).toBe('b1')
      }
    })

    it('that is unknown changes nothing', async () => {
      await using index = await openIndex(
        open,
        put('a1'),
        drop('z'),
        hide('y'),
        show('x'),
        drop('y'),
        put('y1'),
      )
      expect(await index.list()).toBe('y1 a1')
      await index.tidy()
      expect(await index.list()).toBe('y1 a1')
    })

    it('with thousands of links goes in bounded steps, while others go on', async () => {
      await using index = await openIndex(open)
      const records = Array.from({ length: 3_000 }, (_, i) =>
        put(`a${i}`, i % 3 === 0 ? [subject, 'X', 'X'] : [subject]),
      )
      await index.apply(...records, put('b1', [subject, 'X']))
      await index.apply(drop('a'))
      let steps = 0
      do {
        expect(await index.list()).toBe(`${steps > 0 ? `c${steps - 1} ` : ''}b1`)
        await index.apply(put(`c${steps}`), ...(steps > 0 ? [remove(`c${steps - 1}`)] : []))
        steps++
      } while (await index.store.writer.tidy())
      expect(steps).toBeLessThan(1_000)
      expect([await index.list(), await index.counts()]).toEqual([`c${steps - 1} b1`, [2, 2]])
      expect(await index.counts({ target: 'X', source: likes })).toEqual([1, 1])
      expect(await index.reader.stats()).toMatchObject({ dids: 2, linkingRecords: 2, links: 3 })
    })
  })
}
