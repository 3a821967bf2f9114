import { setTimeout as sleep } from 'node:timers/promises'
import { encodeErrorFrame, encodeFrame, frameLimits, generateSigningKey } from '@orrery/repo'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Author, type Draft, frameOf } from '../../test/support/author.ts'
import { createBench, settled } from '../../test/support/bench.ts'
import { nameOf, nameOfDraft } from '../../test/support/run.ts'
import { AccountBook } from '../accounts.ts'
import { createMemoryProgress } from '../progress/memory.ts'

let numbers = 100
const newAuthor = (): Author => new Author(++numbers)

describe('frames that are no events', () => {
  it('are told to who reads the connection', () => {
    const bench = createBench()
    expect(bench.accept(encodeErrorFrame('ConsumerTooSlow', 'be quick'))).toEqual({
      error: 'ConsumerTooSlow',
      message: 'be quick',
    })
    expect(bench.accept(encodeErrorFrame('FutureCursor'))).toEqual({ error: 'FutureCursor', message: '' })
    expect(bench.accept(encodeFrame('#info', { name: 'OutdatedCursor' }))).toEqual({
      info: 'OutdatedCursor',
      message: '',
    })
    expect(bench.stats.frames).toBe(3)
  })

  it('of an unknown type or op are passed over and counted', () => {
    const bench = createBench()
    for (const type of ['#handle', '#tombstone', 'com.example.other#commit', 'constructor']) {
      expect(bench.accept(encodeFrame(type, { seq: 1, did: 'did:plc:a' }))).toBe('passed_over')
    }
    const otherOp = frameOf(newAuthor().identity(), 1)
    otherOp[otherOp.indexOf(0x62) + 3] = 2 // "op" is followed by its value
    expect(bench.accept(otherOp)).toBe('passed_over')
    expect(bench.stats.unknownMessages).toBe(5)
    expect(bench.dropped()).toEqual({})
  })

  it('are counted by what is wrong with them', () => {
    const bench = createBench()
    const good = frameOf(newAuthor().identity(), 1)
    expect(bench.accept(Buffer.from('not binary'))).toBe('passed_over')
    expect(bench.accept(good.slice(0, -1))).toBe('passed_over')
    expect(bench.accept(Buffer.concat([good, good]))).toBe('passed_over')
    expect(bench.accept(encodeFrame('#commit', { seq: 0, repo: 'did:plc:a' }))).toBe('passed_over')
    expect(bench.accept(encodeFrame('#account', { seq: 1, did: 'did:plc:a', time: 'x' }))).toBe('passed_over')
    expect(bench.accept(new Uint8Array(frameLimits.frame + 1))).toBe('passed_over')
    expect(bench.dropped()).toEqual({
      frame_bad: 1,
      cbor_truncated: 1,
      cbor_trailing: 1,
      frame_bad_body: 2,
      frame_too_big: 1,
    })
    expect(bench.watermark().newest).toBeUndefined()
  })
})

describe('an event', () => {
  it('of something that is no DID is dropped, and does not stop the cursor', () => {
    const bench = createBench()
    expect(bench.accept(encodeFrame('#commit', { seq: 7, repo: 'alice', rev: 'x', time: '' }))).toBe('event')
    expect(bench.dropped()).toEqual({ bad_did: 1 })
    expect(bench.watermark().advance()).toMatchObject({ cursor: 7 })
  })

  it('with a time that is none is dropped; one with a time from the future is not, but its time is not believed', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const honest = author.identity()
    bench.accept(honest, 1)
    bench.accept(encodeFrame('#account', { seq: 2, did: author.did, active: false, time: 'soon' }))
    bench.accept(encodeFrame('#account', { seq: 3, did: author.did, active: true, time: '2'.repeat(65) }))
    bench.accept(
      encodeFrame('#account', { seq: 4, did: author.did, active: true, time: '2999-01-01T00:00:00Z' }),
    )
    expect(bench.take().map(({ kind }) => kind)).toEqual(['identity', 'account'])
    expect(bench.dropped()).toEqual({ bad_time: 2 })
    expect(bench.watermark().newest).toMatchObject({ cursor: 4, time: honest.body.time })
  })

  it('keeps alive its own bytes and not the buffer that it came in', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const frame = frameOf(author.post('small'), 1)
    const chunk = Buffer.alloc(64 * 1024)
    chunk.set(frame, 1000)
    bench.accept(chunk.subarray(1000, 1000 + frame.length))
    expect(bench.jobs[0]!.frame).toEqual(frame)
    expect(bench.jobs[0]!.frame.buffer.byteLength).toBe(frame.length)
  })

  it('has a time only if what was sent is one', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    bench.accept(author.post('a', { lie: { time: 'x'.repeat(100_000) } }), 1)
    bench.runAll()
    expect(bench.take()).toMatchObject([{ kind: 'commit', time: '' }])
    expect(bench.takeBatch().progress.cursors).toMatchObject([{ cursor: 1, time: '' }])
  })

  it('of identity has a handle only if it is one', () => {
    const author = newAuthor()
    const bench = createBench()
    bench.accept(author.identity('alice.test'), 1)
    bench.accept(author.identity('"},{"'), 2)
    expect(bench.take()).toMatchObject([{ handle: 'alice.test' }, { handle: undefined }])
  })
})

describe('account status', () => {
  it('decides whether commits and #syncs come out, and is saved', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const drafts = [author.post('1'), author.account(false, 'takendown'), author.post('2'), author.sync()]
    drafts.push(author.account(true), author.post('3'))
    for (const [i, draft] of drafts.entries()) bench.accept(draft, i + 1)
    bench.runAll()
    const { events, progress } = bench.takeBatch()
    expect(events.map(nameOf)).toEqual([0, 1, 4, 5].map(i => nameOfDraft(drafts[i]!)))
    expect(events[1]).toMatchObject({ active: false, status: 'takendown' })
    expect(bench.dropped()).toEqual({ account_inactive: 2 })
    // What happened meanwhile was not seen.
    expect(bench.stats.chainBreaks).toBe(1)
    expect(progress.accounts).toMatchObject([{ did: author.did, rev: drafts[5]!.rev, active: true }])
  })

  it('keeps out what was done meanwhile, also when it comes again once the account is back', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const [first, away, meanwhile, back] = [
      author.post('1'),
      author.account(false, 'suspended'),
      author.post('2'),
      author.account(true),
    ]
    for (const [i, draft] of [first, away, meanwhile, back, meanwhile].entries()) bench.accept(draft, i + 1)
    bench.runAll()
    expect(bench.take().map(nameOf)).toEqual([first, away, back].map(nameOfDraft))
    expect(bench.dropped()).toEqual({ account_inactive: 1, replay: 1 })
  })

  it('leaves a #sync something to say for where the account is when it is back', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    bench.accept(author.account(false, 'suspended'), 1)
    bench.accept(author.post('1'), 2)
    bench.accept(author.account(true), 3)
    const sync = author.sync('last rev')
    for (const seq of [4, 5]) {
      bench.accept(sync, seq)
      bench.runAll()
    }
    bench.accept(author.post('2'), 6)
    bench.runAll()
    expect(bench.take().map(({ kind }) => kind)).toEqual(['account', 'account', 'sync', 'commit'])
    expect(bench.stats.chainBreaks).toBe(0)
    expect(bench.dropped()).toEqual({ account_inactive: 1 })
  })

  it('is kept short, whatever a host sends', () => {
    const author = newAuthor()
    const bench = createBench()
    bench.accept(author.account(false, 'x'.repeat(10_000)))
    expect(bench.take()).toMatchObject([{ status: 'x'.repeat(64) }])
  })
})

describe('chains', () => {
  it('that break are counted, and go on', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const drafts = Array.from({ length: 5 }, (_, i) => author.post(`${i}`))
    for (const i of [0, 1, 3, 4]) bench.accept(drafts[i]!, i + 1)
    bench.runAll()
    const missing = bench.take().map(event => event.kind === 'commit' && event.missing)
    expect(missing).toEqual(['before', undefined, 'commits', undefined])
    expect(bench.stats.chainBreaks).toBe(1)
  })

  it('are set on by a #sync, which is told when it changes something', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const first = author.post('seen')
    const same = author.sync()
    author.post('not seen')
    const other = author.sync()
    const next = author.post('behind')
    for (const [i, draft] of [first, same, other, other, next].entries()) bench.accept(draft, i + 1)
    bench.runAll()
    expect(bench.take().map(nameOf)).toEqual([first, other, next].map(nameOfDraft))
    expect(bench.stats).toMatchObject({ chainBreaks: 0, events: { sync: 1 } })
    expect(bench.dropped()).toEqual({})
  })

  it('do not go back', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const [one, two] = [author.post('1'), author.post('2')]
    bench.accept(two, 1)
    bench.accept(one, 2)
    bench.runAll()
    expect(bench.take().map(nameOf)).toEqual([nameOfDraft(two)])
    expect(bench.dropped()).toEqual({ replay: 1 })
  })
})

describe('order', () => {
  it('is that of arrival for each account, while others pass by', async () => {
    const [slow, quick] = [newAuthor(), newAuthor()]
    const bench = createBench({ authors: [slow, quick], slowKeys: true })
    const drafts = [slow.post('1'), slow.identity(), slow.account(true), quick.post('2'), slow.post('3')]
    for (const [i, draft] of drafts.entries()) bench.accept(draft, i + 1)
    bench.searches.find(({ did }) => did === quick.did)!.answer()
    await settled()
    bench.runAll()
    const first = bench.takeBatch()
    expect(first.events.map(nameOf)).toEqual([nameOfDraft(drafts[3]!)])
    expect(first.progress.cursors).toEqual([])

    for (const search of bench.searches.toReversed()) search.answer()
    await settled()
    for (const job of bench.jobs.splice(0).toReversed()) job.run()
    const second = bench.takeBatch()
    expect(second.events.map(nameOf)).toEqual([0, 1, 2, 4].map(i => nameOfDraft(drafts[i]!)))
    expect(second.progress.cursors).toMatchObject([{ cursor: 5 }])
  })

  it('and the watermark hold for every order of completion', async () => {
    const authors = [newAuthor(), newAuthor(), newAuthor()]
    // Made once: what is random is what happens to them.
    const drafts: Draft[] = []
    for (let round = 0; round < 6; round++) {
      for (const author of authors) {
        drafts.push(author.post(`${round}`))
        if (round % 3 === 1) drafts.push(author.identity())
        if (round % 4 === 2) drafts.push(author.account(true))
      }
    }
    const frames = drafts.map((draft, i) => frameOf(draft, i + 1))
    const step = fc.record({ of: fc.constantFrom('accept', 'search', 'job', 'batch'), which: fc.nat(1000) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 150 }), async steps => {
        const bench = createBench({ authors, slowKeys: true })
        const given: string[] = []
        let next = 0
        const saved = (): void => {
          const { events, progress } = bench.takeBatch()
          given.push(...events.map(nameOf))
          const cursor = progress.cursors[0]?.cursor ?? 0
          // Every frame up to the saved cursor was given out with it or before.
          for (let i = 0; i < cursor; i++) expect(given).toContain(nameOfDraft(drafts[i]!))
        }
        const pick = <T>(list: T[], which: number): T | undefined =>
          list.splice(which % Math.max(1, list.length), 1)[0]
        for (const { of, which } of steps) {
          if (of === 'accept' && next < frames.length) bench.accept(frames[next]!, ++next)
          if (of === 'search') pick(bench.searches, which)?.answer()
          if (of === 'job') pick(bench.jobs, which)?.run()
          if (of === 'batch') saved()
          await Promise.resolve()
        }
        while (next < frames.length) bench.accept(frames[next]!, ++next)
        for (const search of bench.searches) search.answer()
        await settled()
        bench.runAll()
        saved()
        for (const { did } of authors) {
          const of = (names: string[]): string[] => names.filter(name => name.includes(did))
          expect(of(given)).toEqual(of(drafts.map(nameOfDraft)))
        }
        expect(given).toHaveLength(drafts.length)
        expect(bench.watermark().advance()).toMatchObject({ cursor: frames.length })
        expect(bench.pipeline.underway).toBe(0)
      }),
      { numRuns: 25 },
    )
  })
})

describe('the end', () => {
  it('leaves undone what is being looked up, checked or looked up again', async () => {
    const [one, two, three] = [newAuthor(), newAuthor(), newAuthor()]
    const bench = createBench({ authors: [one, two, three], slowKeys: true })
    bench.accept(one.post('searched'), 1)
    bench.accept(two.post('checked'), 2)
    bench.accept(three.post('refreshed', { key: generateSigningKey() }), 3)
    bench.searches[1]!.answer()
    bench.searches[2]!.answer()
    await settled()
    bench.jobs.pop()!.run()
    expect(bench.refreshes).toHaveLength(1)

    bench.stop()
    bench.searches[0]!.answer()
    bench.refreshes[0]!.answer()
    bench.runAll()
    await settled()
    bench.runAll()
    expect(bench.takeBatch()).toMatchObject({ events: [], progress: { cursors: [], accounts: [] } })
    expect(bench.dropped()).toEqual({})
    expect(bench.failures).toEqual([])
  })

  it('also leaves undone what is held back', async () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author], merging: true, holdMs: 20 })
    const drafts = [author.post('1'), author.post('2'), author.post('3')]
    bench.accept(drafts[0]!, 1)
    bench.accept(drafts[2]!, 3)
    bench.runAll()
    bench.stop()
    await sleep(40)
    expect(bench.take().map(nameOf)).toEqual([nameOfDraft(drafts[0]!)])
  })
})

describe('a failure of ours', () => {
  it('in a look-up is told, and kills nothing', async () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author], slowKeys: true })
    bench.accept(author.post('1'), 1)
    const broken = new Error('the document store is broken')
    bench.searches[0]!.fail(broken)
    await settled()
    expect(bench.failures).toEqual([broken])
    expect(bench.watermark().advance()).toBeUndefined()
  })

  it('in reading progress is told, and kills nothing', async () => {
    const author = newAuthor()
    const broken = new Error('the database is broken')
    const progress = createMemoryProgress()
    let isBroken = false
    const account = (did: string) => {
      if (isBroken) throw broken
      return progress.account(did)
    }
    const book = new AccountBook({ ...progress, account })
    const bench = createBench({ authors: [author], book })
    bench.accept(author.post('1'), 1)
    // Forgotten meanwhile, so that it must be read again.
    for (let i = 0; i < 100_001; i++) book.get(`did:plc:${i}`)
    isBroken = true
    bench.runAll()
    expect(bench.failures).toEqual([broken])
  })
})

describe('copies of a commit', () => {
  it('are looked at only if the first one fails', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author], merging: true })
    const post = author.post('1')
    for (const source of ['a', 'b', 'c']) bench.accept(post, 1, source)
    expect(bench.jobs).toHaveLength(1)
    bench.runAll()
    expect(bench.take()).toMatchObject([{ source: 'a' }])
    expect(bench.dropped()).toEqual({ replay: 2 })
    for (const source of ['a', 'b', 'c'])
      expect(bench.watermark(source).advance()).toMatchObject({ cursor: 1 })
  })

  it('each get their turn until one is good', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author], merging: true })
    const good = frameOf(author.post('1'), 1)
    const bad = Uint8Array.from(good)
    bad[bad.length >> 1]! ^= 1
    bench.accept(bad, 1, 'a')
    bench.accept(bad, 1, 'b')
    bench.accept(good, 1, 'c')
    bench.accept(good, 1, 'd')
    bench.runAll()
    expect(bench.take()).toMatchObject([{ source: 'c' }])
    expect(bench.dropped()).toMatchObject({ replay: 1 })
    expect(bench.pipeline.underway).toBe(0)
  })

  it('may be as many as there is room for', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const frame = frameOf(author.post('1'), 1)
    while (!bench.pipeline.full) bench.accept(frame)
    bench.runAll()
    expect(bench.take()).toHaveLength(1)
    expect(bench.dropped()).toEqual({ replay: 9_999 })
  })

  it('need not be the head of their lane to get their turn', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author], merging: true, holdMs: 10_000 })
    const [one, two, three] = [author.post('1'), author.post('2'), author.post('3')]
    const bad = frameOf(two, 2)
    bad[bad.length >> 1]! ^= 1
    bench.accept(one, 1, 'a')
    bench.accept(three, 3, 'a') // held back for the second
    bench.accept(bad, 2, 'b')
    bench.accept(two, 2, 'c')
    bench.runAll()
    expect(bench.take().map(nameOf)).toEqual([one, two, three].map(nameOfDraft))
  })
})

describe('a commit that leaves a hole, when merging', () => {
  const authored = (holdMs = 60) => {
    const author = newAuthor()
    const drafts = Array.from({ length: 6 }, (_, i) => author.post(`${i}`))
    const bench = createBench({ authors: [author], merging: true, holdMs })
    const accept = (i: number, source: string): void => {
      bench.accept(drafts[i]!, i + 1, source)
      bench.runAll()
    }
    const given = (): number[] =>
      bench.take().map(event => drafts.findIndex(draft => nameOfDraft(draft) === nameOf(event)))
    return { author, drafts, bench, accept, given }
  }

  it('waits for the one between, and comes out with it', () => {
    const { accept, given, bench } = authored()
    accept(0, 'a')
    accept(2, 'a')
    expect(given()).toEqual([0])
    accept(0, 'b')
    accept(1, 'b')
    expect(given()).toEqual([1, 2])
    accept(2, 'b')
    expect(given()).toEqual([])
    expect(bench.stats.chainBreaks).toBe(0)
  })

  it('waits for several, whatever their order', () => {
    const { accept, given, bench } = authored()
    accept(0, 'a')
    for (const i of [4, 3, 5, 2]) accept(i, 'a')
    expect(given()).toEqual([0])
    accept(1, 'b')
    expect(given()).toEqual([1, 2, 3, 4, 5])
    expect(bench.stats.chainBreaks).toBe(0)
    expect(bench.dropped()).toEqual({})
  })

  it('waits no longer than it is told, and then what is there comes in order', async () => {
    const { accept, given, bench } = authored(800)
    accept(0, 'a')
    const startedAt = performance.now()
    accept(5, 'a')
    accept(3, 'b')
    accept(2, 'c')
    // It does not spin until then either.
    expect(performance.now() - startedAt).toBeLessThan(600)
    expect(given()).toEqual([0])
    await sleep(900)
    expect(given()).toEqual([2, 3, 5])
    expect(bench.stats.chainBreaks).toBe(2)
    accept(1, 'd')
    expect(given()).toEqual([])
    expect(bench.dropped()).toEqual({ replay: 1 })
  })

  it('is followed, when its time is over, by one that is still being checked and came before it', async () => {
    const { accept, given, bench, drafts } = authored()
    accept(0, 'a')
    accept(3, 'a')
    bench.accept(drafts[2]!, 3, 'b')
    await sleep(80)
    expect(given()).toEqual([0])
    bench.runAll()
    expect(given()).toEqual([2, 3])
  })

  it('does not hold up what the account did before, nor forget what it did after', () => {
    const { accept, given, bench, author } = authored()
    accept(0, 'a')
    accept(2, 'a')
    bench.accept(author.identity(), 4, 'a')
    accept(1, 'b')
    expect(given()).toEqual([0, 1, 2, -1])
  })

  it('does not wait without a second source', () => {
    const author = newAuthor()
    const bench = createBench({ authors: [author] })
    const drafts = [author.post('1'), author.post('2'), author.post('3')]
    bench.accept(drafts[0]!, 1)
    bench.accept(drafts[2]!, 3)
    bench.runAll()
    expect(bench.take()).toHaveLength(2)
  })
})

describe('room', () => {
  it('is bounded in frames and in bytes, and told of when there is some', async () => {
    const author = newAuthor()
    const post = author.post('x'.repeat(100_000))
    const bench = createBench({ slowKeys: true, authors: [author] })
    for (let i = 0; !bench.pipeline.full; i++) bench.accept(post, i + 1)
    expect(bench.pipeline.underway).toBeLessThan(700)
    let hasRoom = false
    const room = bench.pipeline.room(new AbortController().signal).then(() => (hasRoom = true))
    await settled()
    expect(hasRoom).toBe(false)
    bench.searches[0]!.answer()
    await settled()
    bench.runAll()
    await room
    expect(bench.pipeline.full).toBe(false)
  })

  it('is not waited for once it is over', async () => {
    const bench = createBench({ slowKeys: true })
    const frame = frameOf(newAuthor().post('small'), 1)
    while (!bench.pipeline.full) bench.accept(frame)
    expect(bench.pipeline.underway).toBe(10_000)
    const stop = new AbortController()
    const room = bench.pipeline.room(stop.signal)
    stop.abort()
    await room
  })
})
