import type { Progress } from '@orrery/firehose'
import { describe, expect, it } from 'vitest'
import { dump } from '../dump.ts'
import type { OpenStore, TestedStore } from '../tested-store.ts'
import {
  did,
  drop,
  hide,
  noProgress,
  nextRev,
  openIndex,
  put,
  recordKey,
  remove,
  show,
  startMs,
  subject,
  TestIndex,
} from '../test-index.ts'

const progressAt = (cursor: number): Progress => ({
  cursors: [{ source: 'wss://relay.example', cursor, time: '2026-08-14T12:00:00Z', seen: ['x'] }],
  accounts: [{ did: did('a'), rev: '3l', data: 'bafy', active: true, status: undefined }],
  notices: [{ fingerprint: `f${cursor}`, seenAt: startMs }],
  gaps: [],
})

/** What is kept with the changes, and what is there when the process comes back. */
export function restartContract(open: OpenStore): void {
  describe('progress', () => {
    it('is kept with the changes, also when there are none', async () => {
      await using store = await open()
      expect(store.progress.cursor('wss://relay.example')).toBeUndefined()
      await store.writer.apply([put('a1')], progressAt(5), startMs)
      expect(store.progress.cursor('wss://relay.example')).toMatchObject({ cursor: 5, seen: ['x'] })
      expect(store.progress.account(did('a'))).toMatchObject({ rev: '3l', active: true })
      await store.writer.apply([], progressAt(6), startMs)
      expect(store.progress.cursor('wss://relay.example')).toMatchObject({ cursor: 6 })
      expect([
        store.progress.noticed('f5'),
        store.progress.noticed('f6'),
        store.progress.noticed('f7'),
      ]).toEqual([true, true, false])
    })
  })

  describe('after a restart', () => {
    it('everything is as it was, and goes on', async ({ skip }) => {
      const index = await openIndex(
        open,
        ...['a1', 'b1', 'c1', 'd1', 'e1'].map(name =>
          put(name, [subject, subject, { path: '.x', target: did('m') }]),
        ),
        put('f1', ['X'], { collection: 'org.f' }),
        remove('f1', { collection: 'org.f' }),
        hide('b'),
        hide('z'),
        drop('c'),
      )
      await using owner = index
      canReopen(index.store, skip)
      await owner.store.writer.apply([put('g1')], progressAt(7), startMs + 3_600_000)
      const { next } = await index.page({ limit: 3 })
      const rest = (await index.page({ limit: 99, after: next })).items
      const before = await dumpOf(index)

      await reopen(index)
      expect(await dumpOf(index)).toEqual(before)
      expect((await index.page({ limit: 99, after: next })).items).toEqual(rest)
      expect(index.store.progress.cursor('wss://relay.example')).toMatchObject({ cursor: 7 })
      expect(index.store.progress.noticed('f7')).toBe(true)

      // Places go on from where they were, and so does time.
      index.timeMs = startMs
      await index.apply(put('z1'), put('y1'), show('b'))
      expect((await index.pages({ limit: 2 }))[0]).toBe('y1 g1')
      expect(await index.list(undefined, { since: startMs + 3_600_000 })).toBe('y1 g1')
      await index.apply(show('z'))
      expect((await index.pages({ limit: 2 }))[0]).toBe('y1 z1')
    })

    it('what was a replay is one still', async ({ skip }) => {
      const [one, two, newest] = [put('a1'), put('b1'), put('a2')]
      await using index = await openIndex(open, one, two, newest, drop('b'))
      canReopen(index.store, skip)
      await reopen(index)
      await index.applyEach(one, two, newest)
      expect([await index.list(), await index.counts()]).toEqual(['a2 a1', [2, 1]])
      await index.apply(remove('a1'))
      await reopen(index)
      await index.applyEach(one, two, newest)
      expect([await index.list(), await index.counts()]).toEqual(['a2', [1, 1]])
    })

    it('tidying up goes on where it was', async ({ skip }) => {
      await using index = await openIndex(open)
      canReopen(index.store, skip)
      await index.apply(
        ...Array.from({ length: 2_000 }, (_, i) => put(`a${i}`, [subject, `X${i % 10}`])),
        put('b1'),
      )
      await index.apply(drop('a'))
      const check = async (): Promise<void> => {
        expect(await index.list()).toBe('b1')
        expect(await index.reader.stats()).toMatchObject({ dids: 1 })
        expect(await index.reader.forward(recordKey('a7'))).toEqual([])
      }
      await reopen(index)
      await check()
      await index.store.writer.tidy()
      await check()
      await reopen(index)
      await check()
      await index.tidy()
      await check()
      await reopen(index)
      await check()
      expect(await index.counts()).toEqual([1, 1])
      expect(await index.reader.stats()).toMatchObject({ linkingRecords: 1, links: 1 })
      expect(await index.store.writer.tidy()).toBe(false)
    })

    it('an account that was deleted half way and links again begins anew', async ({ skip }) => {
      await using index = await openIndex(open)
      canReopen(index.store, skip)
      await index.apply(...Array.from({ length: 2_000 }, (_, i) => put(`a${i}`)))
      await index.apply(hide('a'), drop('a'), put('a1'), put('a5000'))
      await index.store.writer.tidy()
      await reopen(index)
      await index.apply(put('a2'))
      expect([await index.list(), await index.counts()]).toEqual(['a2 a5000 a1', [3, 1]])
      await index.tidy()
      await reopen(index)
      expect([await index.list(), await index.counts()]).toEqual(['a2 a5000 a1', [3, 1]])
      await index.apply(remove('a1'), remove('a3'))
      expect([await index.list(), await index.counts()]).toEqual(['a2 a5000', [2, 1]])
    })

    it('an empty store is empty, and may be used', async ({ skip }) => {
      await using index = new TestIndex(await open())
      canReopen(index.store, skip)
      await reopen(index)
      expect(await index.reader.stats()).toEqual({
        dids: 0,
        targetables: 0,
        linkingRecords: 0,
        links: 0,
        startedAt: undefined,
      })
      await index.store.writer.apply([put('a1', [subject], { rev: nextRev() })], noProgress, startMs)
      expect(await index.list()).toBe('a1')
    })
  })
}

async function reopen(index: TestIndex): Promise<void> {
  index.store = await index.store.reopen!()
}

function canReopen(store: TestedStore, skip: (note: string) => void): void {
  if (!store.reopen) skip('what is in memory ends with the process')
}

/** All that can be asked of the small worlds here. */
function dumpOf({ reader }: TestIndex): Promise<unknown> {
  const collections = ['app.bsky.feed.like', 'org.f']
  return dump(reader, {
    targets: [subject, did('m'), 'X', 'unknown'],
    sources: collections.flatMap(collection => ['.subject.uri', '.x'].map(path => ({ collection, path }))),
    dids: Array.from('abcdefgmz', did),
    records: Array.from('abcdefgz').flatMap(letter =>
      collections.map(collection => recordKey(`${letter}1`, collection)),
    ),
  })
}
