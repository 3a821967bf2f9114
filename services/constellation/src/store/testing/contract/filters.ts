import { describe, expect, it } from 'vitest'
import type { OpenStore } from '../tested-store.ts'
import { did, hide, openIndex, put, remove, show, startMs, subject, TestIndex } from '../test-index.ts'

/** Lists narrowed by account and by time. */
export function filtersContract(open: OpenStore): void {
  describe('a list of some accounts', () => {
    it('holds their links only, with their totals', async () => {
      await using index = await openIndex(
        open,
        ...['a1', 'b1', 'a2', 'c1', 'b2', 'a3'].map(name => put(name)),
      )
      const dids = [did('a'), did('b')]
      expect(await index.pages({ limit: 2, dids })).toEqual(['a3 b2', 'a2 b1', 'a1'])
      expect(await index.pages({ limit: 3, dids, reverse: true })).toEqual(['a1 b1 a2', 'b2 a3'])
      expect((await index.page({ limit: 1, dids })).total).toEqual({ records: 5, distinct: 2 })
      expect((await index.page({ limit: 1, dids: [did('c')] })).total).toEqual({ records: 1, distinct: 1 })
    })

    it('is empty for unknown ones, and for none', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'), put('c1', ['https://other.example']))
      const empty = { items: [], next: undefined, total: { records: 0, distinct: 0 } }
      for (const dids of [[], [did('z')], ['no DID'], [did('c')], ['']]) {
        expect(await index.page({ limit: 9, dids })).toEqual(empty)
      }
      expect(await index.list(undefined, { dids: [did('z'), did('a')] })).toBe('a1')
    })

    it('counts one that is named twice once', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'))
      const page = await index.page({ limit: 9, dids: [did('a'), did('a')] })
      expect([page.items.length, page.total]).toEqual([1, { records: 1, distinct: 1 }])
    })

    it('leaves hidden ones out of its total too', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'), put('a2'), hide('a'))
      expect(await index.page({ limit: 9, dids: [did('a')] })).toEqual({
        items: [],
        next: undefined,
        total: { records: 0, distinct: 0 },
      })
      expect((await index.page({ limit: 9, dids: [did('a'), did('b')] })).total).toEqual({
        records: 1,
        distinct: 1,
      })
      await index.apply(show('a'))
      expect((await index.page({ limit: 9, dids: [did('a')] })).total).toEqual({ records: 2, distinct: 1 })
    })

    it('neither repeats nor skips when something is deleted during a walk', async () => {
      await using index = await openIndex(open, ...['a1', 'b1', 'c1', 'd1', 'e1'].map(name => put(name)))
      const dids = ['a', 'b', 'c', 'd', 'e'].map(did)
      const down = await index.page({ limit: 2, dids })
      const up = await index.page({ limit: 2, dids, reverse: true })
      await index.apply(remove('a1'))
      const second = await index.page({ limit: 2, dids, after: down.next })
      expect([second.items.map(item => item.did), second.total.records]).toEqual([[did('c'), did('b')], 4])
      expect(second.next).toBeUndefined()
      const other = await index.page({ limit: 2, dids, after: up.next, reverse: true })
      expect(other.items.map(item => item.did)).toEqual([did('c'), did('d')])
    })

    it('may name a thousand', async () => {
      await using index = await openIndex(open, put('a1'), put('b1', [subject, subject]), put('c1'))
      const dids = Array.from({ length: 998 }, (_, i) => `did:plc:${String(i).padStart(24, '0')}`)
      const page = await index.page({ limit: 9, dids: [did('b'), ...dids, did('c')] })
      expect([page.items.length, page.total]).toEqual([3, { records: 3, distinct: 2 }])
    })
  })

  describe('a list of some time', () => {
    // Taken in at 1, 2, … seconds after the start.
    const at = (seconds: number): number => startMs + seconds * 1_000

    it('begins at `since` and ends before `until`, and does not narrow the totals', async () => {
      await using index = await openIndex(open, ...['a1', 'b1', 'c1', 'd1'].map(name => put(name)))
      expect(await index.list(undefined, { since: at(2) })).toBe('d1 c1 b1')
      expect(await index.list(undefined, { since: at(2) + 1 })).toBe('d1 c1')
      expect(await index.list(undefined, { until: at(2) })).toBe('a1')
      expect(await index.list(undefined, { until: at(2) + 1 })).toBe('b1 a1')
      expect(await index.list(undefined, { since: at(2), until: at(4) })).toBe('c1 b1')
      expect(await index.list(undefined, { since: at(3), until: at(3) })).toBe('')
      expect(await index.list(undefined, { since: at(4), until: at(2) })).toBe('')
      expect(await index.list(undefined, { since: at(5) })).toBe('')
      expect(await index.list(undefined, { until: at(1) })).toBe('')
      expect(await index.list(undefined, { since: 0, until: Number.MAX_SAFE_INTEGER })).toBe('d1 c1 b1 a1')
      expect((await index.page({ limit: 9, since: at(3) })).total).toEqual({ records: 4, distinct: 4 })
    })

    it('is walked through in both directions', async () => {
      await using index = await openIndex(
        open,
        ...['a1', 'b1', 'c1', 'd1', 'e1', 'f1'].map(name => put(name)),
      )
      const range = { since: at(2), until: at(6) }
      expect(await index.pages({ limit: 2, ...range })).toEqual(['e1 d1', 'c1 b1'])
      expect(await index.pages({ limit: 3, reverse: true, ...range })).toEqual(['b1 c1 d1', 'e1'])
      const dids = ['a', 'b', 'e', 'f'].map(did)
      expect(await index.pages({ limit: 1, dids, ...range })).toEqual(['e1', 'b1'])
    })

    it('goes by when the index took a record in last', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'), put('a1'))
      expect(await index.list(undefined, { since: at(3) })).toBe('a1')
      expect(await index.list(undefined, { until: at(2) })).toBe('')
      await index.apply(remove('b1'), hide('a'))
      expect(await index.list(undefined, { since: 0 })).toBe('')
    })

    it('tells calls apart that came in one second apart, and not those in the same', async () => {
      await using index = new TestIndex(await open())
      for (const [name, ms] of [
        ['a1', 0],
        ['b1', 0],
        ['c1', 1_000],
        ['d1', 2_999],
      ] as const) {
        index.timeMs = startMs + ms - 1_000
        await index.apply(put(name))
      }
      expect(await index.list(undefined, { since: startMs + 1_000 })).toBe('d1 c1')
      expect(await index.list(undefined, { since: startMs + 1, until: startMs + 2_000 })).toBe('c1')
      expect(await index.list(undefined, { until: startMs + 1_000 })).toBe('b1 a1')
      expect(await index.list(undefined, { since: startMs + 2_001 })).toBe('')
    })

    it('stands still where the clock was set back, until it has caught up', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'))
      index.timeMs = at(1) - 3_600_000
      await index.applyEach(put('c1'), put('d1'))
      index.timeMs = at(2)
      await index.apply(put('e1'))
      expect(await index.list(undefined, { since: at(2) })).toBe('e1 d1 c1 b1')
      expect(await index.list(undefined, { since: at(2), until: at(2) + 1 })).toBe('d1 c1 b1')
      expect(await index.list(undefined, { until: at(2) })).toBe('a1')
      expect(await index.list(undefined, { since: at(2) + 1 })).toBe('e1')
    })

    it('counts the time of a call without changes too', async () => {
      await using index = await openIndex(open)
      index.timeMs = at(9)
      await index.apply()
      index.timeMs = at(1)
      await index.apply(put('a1'))
      expect(await index.list(undefined, { since: at(10) })).toBe('a1')
      expect((await index.reader.stats()).startedAt).toBe(at(10))
    })
  })
}
