import { describe, expect, it } from 'vitest'
import type { Position } from '../../../store.ts'
import type { OpenStore } from '../tested-store.ts'
import {
  did,
  drop,
  hide,
  likers,
  nameOf,
  openIndex,
  put,
  remove,
  show,
  subject,
  type TestIndex,
} from '../test-index.ts'

const five = (): ReturnType<typeof put>[] => ['a1', 'b1', 'c1', 'd1', 'e1'].map(name => put(name))

/** Pages through a list: every one is full but the last, and what happens during a walk neither repeats nor skips. */
export function pagingContract(open: OpenStore): void {
  describe('pages of a list', () => {
    it.each([
      [1, ['e1', 'd1', 'c1', 'b1', 'a1'], ['a1', 'b1', 'c1', 'd1', 'e1']],
      [2, ['e1 d1', 'c1 b1', 'a1'], ['a1 b1', 'c1 d1', 'e1']],
      [4, ['e1 d1 c1 b1', 'a1'], ['a1 b1 c1 d1', 'e1']],
      [5, ['e1 d1 c1 b1 a1'], ['a1 b1 c1 d1 e1']],
      [6, ['e1 d1 c1 b1 a1'], ['a1 b1 c1 d1 e1']],
      [1_000, ['e1 d1 c1 b1 a1'], ['a1 b1 c1 d1 e1']],
    ])(
      'come newest first, and oldest first without losing any, %i at a time',
      async (limit, newest, oldest) => {
        await using index = await openIndex(open, ...five())
        expect(await index.pages({ limit })).toEqual(newest)
        expect(await index.pages({ limit, reverse: true })).toEqual(oldest)
      },
    )

    it('tell the total on each', async () => {
      await using index = await openIndex(open, ...five())
      const first = await index.page({ limit: 2 })
      const second = await index.page({ limit: 2, after: first.next })
      const third = await index.page({ limit: 2, after: second.next })
      const total = { records: 5, distinct: 5 }
      expect([first.total, second.total, third.total]).toEqual([total, total, total])
      expect(third.next).toBeUndefined()
    })

    it('begin at either end for a place beyond it', async () => {
      await using index = await openIndex(open, ...five())
      const beyond: Position = { seq: Number.MAX_SAFE_INTEGER, link: Number.MAX_SAFE_INTEGER }
      const before: Position = { seq: 0, link: 0 }
      expect(await names(index, { after: beyond })).toBe('e1 d1')
      expect(await names(index, { after: before })).toBe('')
      expect(await names(index, { after: beyond, reverse: true })).toBe('')
      expect(await names(index, { after: before, reverse: true })).toBe('a1 b1')
      expect((await index.page({ limit: 2, after: before })).next).toBeUndefined()
    })

    it('hold every link of a record that links twice, also across the end of a page', async () => {
      await using index = await openIndex(
        open,
        put('a1'),
        put('b1', [subject, 'https://other.example', subject, subject]),
        put('c1'),
      )
      for (const limit of [1, 2, 3, 4, 5]) {
        expect((await index.pages({ limit })).join(' ')).toBe('c1 b1 b1 b1 a1')
        expect((await index.pages({ limit, reverse: true })).join(' ')).toBe('a1 b1 b1 b1 c1')
      }
      const place = (await index.page({ limit: 2 })).next
      expect(await names(index, { after: place, limit: 9 })).toBe('b1 b1 a1')
      expect(await names(index, { after: place, limit: 9, reverse: true })).toBe('c1')
    })

    it('turn round at any place: what is behind one way is ahead the other way', async () => {
      await using index = await openIndex(open, ...five())
      const { next } = await index.page({ limit: 2 })
      expect(await names(index, { after: next, reverse: true, limit: 9 })).toBe('e1')
    })

    it('belong to one list only', async () => {
      const path = '.subject'
      const other = { path, target: subject }
      await using index = await openIndex(
        open,
        put('a1', [other]),
        put('b1', [subject, other]),
        put('c1', [subject], { collection: 'app.bsky.feed.repost' }),
        put('d1', ['https://other.example']),
      )
      const { collection } = likers.source
      expect(await index.list()).toBe('b1')
      expect(await index.list({ target: subject, source: { collection, path } })).toBe('b1 a1')
      const reposts = { collection: 'app.bsky.feed.repost', path: '.subject.uri' }
      expect(await index.list({ target: subject, source: reposts })).toBe('c1')
    })
  })

  describe('a walk through a list', () => {
    it('skips what is deleted, and repeats nothing', async () => {
      await using index = await openIndex(open, ...five())
      const first = await index.page({ limit: 2 })
      await index.apply(remove('b1'), remove('c1'))
      const second = await index.page({ limit: 2, after: first.next })
      expect([shown(second), second.total, second.next]).toEqual([
        'a1',
        { records: 3, distinct: 3 },
        undefined,
      ])
    })

    it('goes on where its last record was, when that is deleted', async () => {
      await using index = await openIndex(open, ...five())
      const [down, up] = [await index.page({ limit: 2 }), await index.page({ limit: 2, reverse: true })]
      await index.apply(remove('d1'), remove('b1'))
      expect(await names(index, { after: down.next })).toBe('c1 a1')
      expect(await names(index, { after: up.next, reverse: true })).toBe('c1 e1')
    })

    it('never meets what comes on top; oldest first it comes last', async () => {
      await using index = await openIndex(open, ...five())
      const [down, up] = [await index.page({ limit: 2 }), await index.page({ limit: 2, reverse: true })]
      await index.apply(put('f1'))
      const second = await index.page({ limit: 2, after: down.next })
      expect([shown(second), second.total.records]).toEqual(['c1 b1', 6])
      expect(await names(index, { after: up.next, reverse: true, limit: 9 })).toBe('c1 d1 e1 f1')
    })

    it('never meets again what is updated behind it, nor what is updated ahead', async () => {
      await using index = await openIndex(open, ...five())
      const first = await index.page({ limit: 2 })
      await index.apply(put('e1'), put('b1'))
      expect(await names(index, { after: first.next, limit: 9 })).toBe('c1 a1')
      expect(await index.list()).toBe('b1 e1 d1 c1 a1')
    })

    it('leaves out an account that is hidden meanwhile, until it is back', async () => {
      await using index = await openIndex(open, ...five())
      const first = await index.page({ limit: 2 })
      await index.apply(hide('c'))
      expect(await names(index, { after: first.next })).toBe('b1 a1')
      await index.apply(show('c'))
      expect(await names(index, { after: first.next })).toBe('c1 b1')
    })

    it.each([
      ['newest first', false],
      ['oldest first', true],
    ])('%s meets everything that stayed exactly once, whatever happens', async (_order, reverse) => {
      const staying = Array.from({ length: 30 }, (_, i) => put(`${'abc'[i % 3]}${i}`))
      const leaving = Array.from({ length: 30 }, (_, i) => put(`${'def'[i % 3]}${i}`))
      await using index = await openIndex(open, ...staying.flatMap((change, i) => [change, leaving[i]!]))
      const seen: string[] = []
      let after: Position | undefined
      for (let turn = 0; turn < 200; turn++) {
        const page = await index.page({ limit: 3, after, reverse })
        seen.push(...page.items.map(({ did: of, rkey }) => `${of}/${rkey}`))
        after = page.next
        if (!after) break
        const i = turn % 30
        await index.apply(
          remove(`d${i}`),
          put(`e${(i * 7) % 30}`),
          ...(turn < 20 ? [put(`g${i}`), remove(`g${i - 1}`)] : []),
          ...(turn === 9 ? [drop('f')] : []),
          turn % 2 ? hide('b') : show('b'),
        )
        if (turn === 3) await index.store.writer.tidy()
      }
      expect(after).toBeUndefined()
      const stayed = seen.filter(name => ['a', 'c'].some(letter => name.startsWith(did(letter))))
      const expected = staying
        .filter((_, i) => i % 3 !== 1)
        .map(change => (change.kind === 'put' ? `${change.record.did}/${change.record.rkey}` : ''))
      expect(stayed).toEqual(reverse ? expected : expected.toReversed())
      // An update puts a record on top, where only a walk that goes up meets it again.
      expect(reverse || new Set(seen).size === seen.length).toBe(true)
    })
  })

  async function names(
    index: TestIndex,
    options: Partial<Parameters<TestIndex['page']>[0]>,
  ): Promise<string> {
    return shown(await index.page({ limit: 2, ...options }))
  }
}

function shown(page: Awaited<ReturnType<TestIndex['page']>>): string {
  return page.items.map(nameOf).join(' ')
}
