import { describe, expect, it } from 'vitest'
import type { OpenStore } from '../tested-store.ts'
import { likers, likes, openIndex, put, recordKey, remove, subject, TestIndex } from '../test-index.ts'

/** What a record holds, and how that is counted. */
export function countingContract(open: OpenStore): void {
  describe('counts', () => {
    it('are zero for what is not known, and in the order of what was asked', async () => {
      await using index = await openIndex(open, put('a1'), put('a2'), put('b1'))
      const unknown = { target: 'https://unknown.example', source: likes }
      const elsewhere = { target: subject, source: { ...likes, path: '.elsewhere' } }
      const other = { target: subject, source: { ...likes, collection: 'app.bsky.feed.repost' } }
      const none = { records: 0, distinct: 0 }
      const three = { records: 3, distinct: 2 }
      const keys = [unknown, likers, elsewhere, other, likers]
      expect(await index.reader.counts(keys)).toEqual([none, three, none, none, three])
      expect(await index.reader.counts([])).toEqual([])
    })

    it('follow what an account links from several records', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'), put('a2'), put('c1'), put('b2'))
      expect(await index.counts()).toEqual([5, 3])
      await index.apply(remove('a1'))
      expect(await index.counts()).toEqual([4, 3])
      await index.apply(remove('a2'))
      expect(await index.counts()).toEqual([3, 2])
      await index.applyEach(remove('b1'), remove('b2'), remove('c1'))
      expect(await index.counts()).toEqual([0, 0])
      await index.apply(put('a1'))
      expect(await index.counts()).toEqual([1, 1])
    })

    it('count a record that links twice twice, from one account, and lose both with it', async () => {
      await using index = await openIndex(open, put('a1', [subject, subject]))
      expect([await index.counts(), await index.list()]).toEqual([[2, 1], 'a1 a1'])
      await index.apply(remove('a1'))
      expect([await index.counts(), await index.list()]).toEqual([[0, 0], ''])
    })

    it('keep the links of a record in several lists apart', async () => {
      const quote = { path: '.embed.record.uri', target: subject }
      const reply = { path: '.reply.parent.uri', target: subject }
      await using index = await openIndex(open, put('a1', [quote, reply, quote]), put('b1', [reply]))
      const key = (path: string) => ({ target: subject, source: { ...likes, path } })
      expect(await index.counts(key(quote.path))).toEqual([2, 1])
      expect(await index.counts(key(reply.path))).toEqual([2, 2])
      await index.apply(put('a1', [quote]))
      expect(await index.counts(key(quote.path))).toEqual([1, 1])
      expect(await index.counts(key(reply.path))).toEqual([1, 1])
    })
  })

  describe('a put', () => {
    it('replaces what the record held, and moves it to the top', async () => {
      const other = { target: 'https://other.example', source: likes }
      await using index = await openIndex(open, put('a1'), put('b1'), put('c1'))
      await index.apply(put('b1'))
      expect([await index.list(), await index.counts()]).toEqual(['b1 c1 a1', [3, 3]])
      await index.apply(put('a1', [other.target]))
      expect([await index.list(), await index.counts()]).toEqual(['b1 c1', [2, 2]])
      expect([await index.list(other), await index.counts(other)]).toEqual(['a1', [1, 1]])
      await index.apply(put('a1', [other.target, subject]))
      expect([await index.list(), await index.list(other)]).toEqual(['a1 b1 c1', 'a1'])
    })

    it('without links is a delete', async () => {
      await using index = await openIndex(open, put('a1'), put('b1'), put('a1', []), put('c1', []))
      expect([await index.list(), await index.counts()]).toEqual(['b1', [1, 1]])
      expect(await index.reader.forward(recordKey('a1'))).toEqual([])
      expect(await index.reader.stats()).toMatchObject({ linkingRecords: 1, links: 1, dids: 2 })
    })

    it('and a delete in one call take their turns', async () => {
      await using index = await openIndex(open)
      await index.apply(
        put('a1'),
        remove('a1'),
        put('b1'),
        put('a1'),
        remove('b1'),
        put('c1'),
        put('b1'),
        remove('c1'),
      )
      expect([await index.list(), await index.counts()]).toEqual(['b1 a1', [2, 2]])
    })

    it('tells records of one key in several collections apart', async () => {
      const collection = 'app.bsky.feed.repost'
      const reposts = { target: subject, source: { ...likes, collection } }
      await using index = await openIndex(open, put('a1'), put('a1', [subject], { collection }))
      await index.apply(remove('a1'))
      expect([await index.counts(), await index.counts(reposts)]).toEqual([
        [0, 0],
        [1, 1],
      ])
    })

    it('does not hold on to what it was given, nor give away what is kept', async () => {
      await using index = await openIndex(open)
      const change = put('a1')
      await index.apply(change)
      if (change.kind === 'put') Object.assign(change.links[0]!, { target: 'https://other.example' })
      Object.assign(change.kind === 'put' ? change.record : {}, { rkey: 'changed' })
      const [held] = await index.reader.forward(recordKey('a1'))
      Object.assign(held!, { target: 'https://other.example' })
      for (const item of (await index.page({ limit: 9 })).items) Object.assign(item, { rkey: 'changed' })
      for (const { source } of await index.reader.sources(subject)) source.path = '.changed'
      expect(await index.list()).toBe('a1')
      expect(await index.reader.forward(recordKey('a1'))).toEqual([{ path: likes.path, target: subject }])
      expect(await index.reader.sources(subject)).toEqual([{ source: likes, records: 1, distinct: 1 }])
    })
  })

  it('takes a delete of what is not known, and a call without changes', async () => {
    await using index = await openIndex(open, remove('a1'))
    await index.apply()
    await index.apply(put('b1'), remove('b2'), remove('a1'))
    expect(await index.list()).toBe('b1')
  })

  it('shows readers whole calls only', async () => {
    await using index = new TestIndex(await open())
    const wrong: string[] = []
    let reads = 0
    for (let round = 0; round < 20; round++) {
      const three = ['a', 'b', 'c'].map(letter => put(`${letter}${round}`))
      const gone = round > 0 ? ['a', 'b', 'c'].map(letter => remove(`${letter}${round - 1}`)) : []
      const applying = { done: false }
      const apply = index.apply(...three, ...gone).finally(() => (applying.done = true))
      do {
        const page = await index.page({ limit: 9 })
        const names = page.items.map(({ rkey }) => rkey)
        const whole = names.length === 0 || (names.length === 3 && new Set(names).size === 1)
        if (!whole || page.total.records !== names.length) wrong.push(JSON.stringify(page))
        reads++
      } while (!applying.done)
      await apply
    }
    expect(wrong).toEqual([])
    expect(reads).toBeGreaterThanOrEqual(20)
    expect(await index.counts()).toEqual([3, 3])
  })
}
