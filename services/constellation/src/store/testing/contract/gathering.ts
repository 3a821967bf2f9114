import { tidFromTimeUs } from '@orrery/repo'
import { describe, expect, it } from 'vitest'
import type { Change } from '../../../store.ts'
import type { OpenStore } from '../tested-store.ts'
import { drop, noProgress, openIndex, put, remove, startMs, subject } from '../test-index.ts'

/** A change of a record whose key is years ahead of its commits. */
const ahead = (change: Change): Change =>
  'record' in change
    ? { ...change, record: { ...change.record, rkey: tidFromTimeUs(2_000_000_000_000_000, 0) } }
    : change

/** Changes that are handed over in parts, and committed together. */
export function gatheringContract(open: OpenStore): void {
  it('a record whose key is ahead of its commits is replaced and goes as any other', async () => {
    await using index = await openIndex(open, ahead(put('a1')), ahead(put('a1', [subject, subject])))
    expect(await index.counts()).toEqual([2, 1])
    await index.apply(ahead(put('a1')), put('a2'), ahead(put('a1', ['X'])))
    expect(await index.list()).toBe('a2')
    await index.apply(ahead(remove('a1')))
    expect(await index.reader.stats()).toMatchObject({ links: 1, linkingRecords: 1 })
  })

  describe('what is gathered', () => {
    it('is seen with the next call that applies, before what that brings', async () => {
      await using index = await openIndex(open, put('a1'))
      const { writer } = index.store
      await writer.gather([put('b1'), put('c1')], startMs + 5_000)
      await writer.gather([remove('b1'), put('d1', [subject, subject])], startMs + 6_000)
      expect(await index.list()).toBe('a1')
      await writer.apply([put('e1')], noProgress, startMs + 7_000)
      expect(await index.list()).toBe('e1 d1 d1 c1 a1')
      expect(await index.counts()).toEqual([5, 4])
      expect(await index.list(undefined, { since: startMs + 6_000, until: startMs + 7_000 })).toBe('d1 d1')
    })

    it('may be put, put anew, taken away and put again', async () => {
      await using index = await openIndex(open, put('b1'))
      const { writer } = index.store
      await writer.gather([put('a1'), put('a1', [subject, 'X']), put('a2'), remove('a1')], startMs)
      await writer.gather([put('a1', ['X'])], startMs)
      await writer.apply([], noProgress, startMs)
      expect(await index.list()).toBe('a2 b1')
      expect(await index.reader.stats()).toMatchObject({ links: 3, linkingRecords: 3, dids: 2 })
    })

    it('may be of accounts that are deleted on the way', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'))
      const { writer } = index.store
      await writer.gather([put('a2'), drop('a'), put('a3')], startMs)
      await writer.tidy()
      await writer.apply([drop('b')], noProgress, startMs)
      await index.tidy()
      expect(await index.list()).toBe('a3')
      expect(await index.counts()).toEqual([1, 1])
    })

    it('is gone where the store is closed before', async () => {
      await using index = await openIndex(open, put('a1'))
      if (!index.store.reopen) return
      await index.store.writer.gather([put('b1')], startMs)
      index.store = await index.store.reopen()
      await index.apply(put('c1'))
      expect(await index.list()).toBe('c1 a1')
    })
  })
}
