import { tidFromTimeUs } from '@orrery/repo'
import { describe, expect, it } from 'vitest'
import type { Counts, Link, TargetCounts } from '../../../store.ts'
import {
  did,
  drop,
  hide,
  likes,
  openIndex,
  put,
  recordKey,
  remove,
  show,
  startMs,
  subject,
  type TestIndex,
  walk,
} from '../test-index.ts'
import type { OpenStore } from '../tested-store.ts'

type TargetPlace = Omit<TargetCounts, keyof Counts>

const repost = 'app.bsky.feed.repost'
const quote: Link = { path: '.embed.record.uri', target: subject }
const reply: Link = { path: '.reply.parent.uri', target: subject }

/** What is linked to under an account, what a record holds, and what the whole index holds. */
export function holdingsContract(open: OpenStore): void {
  describe('what is linked to under an account', () => {
    const who = did('m')
    const inside = [
      `at://${who}`,
      `at://${who}#f`,
      `at://${who}/`,
      `at://${who}/app.bsky.feed.post/1`,
      `at://${who}?q`,
      who,
    ]
    const outside = [
      `${who}x`,
      `${who}/x`,
      `${who}#x`,
      `at://${who}x/app.bsky.feed.post/1`,
      `at://${who}.evil.example/app.bsky.feed.post/1`,
      `at://${who}:80`,
      `at://${who}%23`,
      `at://${who}\0/`,
      `at://${who.slice(0, -1)}`,
      `at://${who.slice(0, -1)}/app.bsky.feed.post/1`,
      `AT://${who}/app.bsky.feed.post/1`,
      `https://bsky.app/profile/${who}`,
      `xat://${who}/app.bsky.feed.post/1`,
      'at://',
      '',
    ]

    it.each([1, 2, 4, 99])(
      'is its DID and every at-uri of it, %i at a time, and no longer DID',
      async limit => {
        await using index = await openIndex(
          open,
          put('a1', [...outside, ...inside.toReversed()]),
          put('b1', [inside[3]!, { path: '.a', target: inside[3]! }]),
          put('b1', [inside[3]!], { collection: repost }),
        )
        const l = likes.collection + likes.path
        expect((await targetPages(index, who, limit)).join(' ').split(' ').toSorted()).toEqual(
          [
            `${inside[0]!}=${l}:1/1`,
            `${inside[1]!}=${l}:1/1`,
            `${inside[2]!}=${l}:1/1`,
            `${inside[3]!}=${likes.collection}.a:1/1`,
            `${inside[3]!}=${l}:2/2`,
            `${inside[3]!}=${repost}${likes.path}:1/1`,
            `${inside[4]!}=${l}:1/1`,
            `${inside[5]!}=${l}:1/1`,
          ].toSorted(),
        )
      },
    )

    it('is so for any text that is taken for a DID', async () => {
      const names = ['did:web:a_b%c.example', 'did:web:aXb%c.example', 'did:web:a*', 'did:', 'did:\u{1f98b}']
      await using index = await openIndex(
        open,
        put(
          'a1',
          names.flatMap(name => [name, `at://${name}/x`]),
        ),
      )
      for (const name of names) {
        const page = await index.reader.accountTargets(name, { limit: 99 })
        expect(page.items.map(({ target }) => target).toSorted()).toEqual([`at://${name}/x`, name])
      }
    })

    it.each([1, 3, 99])(
      'is of all hours and days of its records, %i at a time, and of no other account',
      async limit => {
        const [firstUs, hourUs] = [472_222 * 3_600_000_000, 3_600_000_000]
        const own = [0, 1, 2, 3, 23, 24, 25, 47, 48, 24 * 400, 24 * 400 + 1].flatMap(hours =>
          [0, hourUs - 1].map(
            us => `at://${who}/app.bsky.feed.post/${tidFromTimeUs(firstUs + hours * hourUs + us, 7)}`,
          ),
        )
        own.push(
          ...['2222222222222', 'bzzzzzzzzzzzz', 'czzzzzzzzzzzz'].map(
            key => `at://${who}/app.bsky.feed.post/${key}`,
          ),
        )
        const others = own.flatMap(target => ['l', 'n'].map(letter => target.replace(who, did(letter))))
        await using index = await openIndex(
          open,
          put('a1', [...others, ...own.toReversed(), who]),
          put('b1', own),
        )
        const pages = (await targetPages(index, who, limit)).join(' ').split(' ')
        const l = likes.collection + likes.path
        expect(pages.toSorted()).toEqual(
          [...own.map(target => `${target}=${l}:2/2`), `${who}=${l}:1/1`].toSorted(),
        )
      },
    )

    it('is what is linked to now, hidden accounts counted', async () => {
      const [target, other] = [`at://${who}/app.bsky.feed.post/1`, `at://${who}/app.bsky.feed.post/2`]
      await using index = await openIndex(
        open,
        put('a1', [target]),
        put('b1', [target, other]),
        remove('b1'),
        hide('a'),
      )
      expect(await targetPages(index, who, 9)).toEqual([`${target}=${likes.collection}${likes.path}:1/1`])
      await index.apply(drop('a'))
      expect(await targetPages(index, who, 9)).toEqual([])
      expect(await targetPages(index, did('u'), 9)).toEqual([])
    })

    it('goes on behind a place where nothing is any more', async () => {
      const targets = [1, 2, 3, 4].map(i => `at://${who}/app.bsky.feed.post/${i}`)
      await using index = await openIndex(open, ...targets.map((target, i) => put(`a${i}`, [target])))
      const first = await index.reader.accountTargets(who, { limit: 2 })
      const gone = targets.indexOf(first.items[1]!.target)
      await index.apply(remove(`a${gone}`))
      const second = await index.reader.accountTargets(who, { limit: 2, after: first.next })
      expect([...first.items, ...second.items].map(({ target }) => target).toSorted()).toEqual(targets)
    })
  })

  describe('what a record holds', () => {
    it('is its links, in their order', async () => {
      await using index = await openIndex(open, put('a1', [reply, subject, quote, reply]), put('a2', [quote]))
      const held = [reply, { path: likes.path, target: subject }, quote, reply]
      expect(await index.reader.forward(recordKey('a1'))).toEqual(held)
      await index.apply(put('a1', [quote, reply]))
      expect(await index.reader.forward(recordKey('a1'))).toEqual([quote, reply])
      await index.apply(remove('a1'))
      expect(await index.reader.forward(recordKey('a1'))).toEqual([])
    })

    it('is nothing for what is not known, is hidden or was deleted', async () => {
      await using index = await openIndex(open, put('a1', [quote]), put('b1', [quote]))
      for (const name of ['c1', 'a2']) expect(await index.reader.forward(recordKey(name))).toEqual([])
      expect(await index.reader.forward(recordKey('a1', repost))).toEqual([])
      await index.apply(hide('a'), drop('b'))
      expect(await index.reader.forward(recordKey('a1'))).toEqual([])
      expect(await index.reader.forward(recordKey('b1'))).toEqual([])
      await index.apply(show('a'))
      expect(await index.reader.forward(recordKey('a1'))).toEqual([quote])
    })
  })

  describe('the numbers of the index', () => {
    it('tell accounts and targets that ever were, records and links that are', async () => {
      await using index = await openIndex(open)
      const none = { dids: 0, targetables: 0, linkingRecords: 0, links: 0 }
      expect(await index.reader.stats()).toEqual({ ...none, startedAt: undefined })
      await index.apply()
      expect((await index.reader.stats()).startedAt).toBeUndefined()
      await index.apply(hide('z'))
      const startedAt = startMs + 2_000
      expect(await index.reader.stats()).toEqual({ ...none, startedAt })
      await index.apply(
        put('a1', [quote, quote, reply]),
        put('b1', [quote]),
        put('a2', ['X'], { collection: repost }),
      )
      await index.apply(hide('a'), remove('e1'))
      expect(await index.reader.stats()).toEqual({
        dids: 2,
        targetables: 3,
        linkingRecords: 3,
        links: 5,
        startedAt,
      })
      await index.apply(put('a1', [quote]), remove('b1'))
      expect(await index.reader.stats()).toEqual({
        dids: 2,
        targetables: 3,
        linkingRecords: 2,
        links: 2,
        startedAt,
      })
      await index.apply(drop('a'), drop('a'), drop('unknown'))
      expect(await index.reader.stats()).toEqual({
        dids: 1,
        targetables: 3,
        linkingRecords: 0,
        links: 0,
        startedAt,
      })
      await index.tidy()
      expect(await index.reader.stats()).toEqual({
        dids: 1,
        targetables: 3,
        linkingRecords: 0,
        links: 0,
        startedAt,
      })
      await index.apply(put('a1', [quote]))
      expect(await index.reader.stats()).toEqual({
        dids: 2,
        targetables: 3,
        linkingRecords: 1,
        links: 1,
        startedAt,
      })
    })
  })
}

function targetPages(index: TestIndex, of: string, limit: number): Promise<string[]> {
  return walk(
    (after: TargetPlace | undefined) => index.reader.accountTargets(of, { limit, after }),
    ({ target, source, records, distinct }: TargetCounts) =>
      `${target}=${source.collection}${source.path}:${records}/${distinct}`,
  )
}
