import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, SharedFrames } from './shared-frames.ts'
import { type Encoding, type Filter, wantsAll } from './subscriber.ts'
import { fakeEncoding } from './testing/encodings.ts'
import { type Entry, makeEntry, tagFilter } from './testing/entries.ts'
import { readFrames } from './testing/frame-reader.ts'
import { FakeLog } from './testing/fake-log.ts'
import { startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

const entries = [1, 2, 3, 4, 5, 6].map(position => makeEntry(position, position % 3))
const texts = (bytes: Buffer): string[] => readFrames(bytes).frames.map(({ payload }) => payload.toString())

/** A log of blocks of these entries, all in memory, and the batches of it. */
function batchesOf(...blocks: Entry[][]): {
  log: FakeLog
  shared: SharedFrames
  next: (position: number, filter: Filter, encoding?: Encoding) => Batch | Promise<Batch> | undefined
} {
  const log = new FakeLog()
  for (const block of blocks) log.append(block)
  const shared = new SharedFrames(1024)
  return {
    log,
    shared,
    next: (position, filter, encoding) => shared.fromMemory(log, position, filter, encoding),
  }
}

const pairs = [entries.slice(0, 2), entries.slice(2, 4), entries.slice(4)]
const all = entries.map(entry => entry.text)

describe('SharedFrames', () => {
  it('sends a block as it lies in memory to all who want it whole', () => {
    const { log, next, shared } = batchesOf(entries)
    const batch = next(1, wantsAll) as Batch
    expect(batch).toEqual({ frames: log.inMemory(1)!.frames, count: 6, next: 7 })
    expect(next(1, wantsAll)).toBe(batch)
    shared.forget()
    expect(next(1, wantsAll)).toEqual(batch)
    // Whoever begins in its middle shares it too.
    const tail = next(5, wantsAll) as Batch
    expect(tail.frames!.buffer).toBe(batch.frames!.buffer)
    expect([texts(tail.frames!), tail.count, tail.next]).toEqual([all.slice(4), 2, 7])
  })

  it('joins small blocks, once for all who stand at the same place', () => {
    const { next } = batchesOf(...pairs)
    const batch = next(1, wantsAll) as Batch
    expect([texts(batch.frames!), batch.count, batch.next]).toEqual([all, 6, 7])
    expect(next(1, wantsAll)).toBe(batch)
    const later = next(4, wantsAll) as Batch
    expect([texts(later.frames!), later.count, later.next]).toEqual([all.slice(3), 3, 7])
  })

  it('joins no more than it is to, and nothing that the log does not show yet', () => {
    const log = new FakeLog()
    for (const pair of pairs) log.append(pair)
    const small = new SharedFrames(1)
    expect(small.fromMemory(log, 1, wantsAll, undefined)).toMatchObject({ count: 2, next: 3 })
    const shown = { last: 4, oldest: 0, inMemory: log.inMemory.bind(log), read: log.read.bind(log) }
    const shared = new SharedFrames(1024)
    expect(shared.fromMemory(shown, 1, wantsAll, undefined)).toMatchObject({ count: 4, next: 5 })
  })

  it('chooses and frames once for filters of the same key', () => {
    const { next, shared } = batchesOf(...pairs)
    const [one, two] = [tagFilter([1]), tagFilter([1])]
    const batch = next(1, one) as Batch
    expect(texts(batch.frames!)).toEqual([0, 3].map(i => all[i]))
    expect(next(1, two)).toBe(batch)
    expect([one.calls, two.calls]).toEqual([3, 0])
    shared.forget()
    expect(next(1, two)).toEqual(batch)
    expect(two.calls).toBe(3)
  })

  it('says where it ends when nothing passes', () => {
    const { next } = batchesOf(...pairs)
    expect(next(1, tagFilter([9]))).toEqual({ frames: undefined, count: 0, next: 7 })
    expect(next(1, tagFilter([9]), fakeEncoding('a'))).toEqual({ frames: undefined, count: 0, next: 7 })
  })

  it('takes from each block what passes, alone or in stretches, from the position on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 }), { minLength: 1 }),
        fc.subarray([0, 1, 2]),
        fc.integer({ min: 1, max: 20 }),
        (blocks, tags, wanted) => {
          let position = 0
          const made = blocks.map(block => block.map(tag => makeEntry(++position, tag)))
          const from = Math.min(wanted, position)
          const expected = made.flat().filter(entry => entry.position >= from && tags.includes(entry.tag))
          const batch = batchesOf(...made).next(from, tagFilter(tags)) as Batch
          expect(batch.frames ? texts(batch.frames) : []).toEqual(expected.map(entry => entry.text))
          expect([batch.count, batch.next]).toEqual([expected.length, position + 1])
        },
      ),
      { numRuns: 60 },
    )
  })

  it('encodes each entry once, and all of a batch in one call, where filters overlap and ask at the same time', async () => {
    const { next, shared } = batchesOf(...pairs)
    const encoding = fakeEncoding('a', () => 1)
    const other = fakeEncoding('b')
    const whole = next(1, wantsAll, encoding)
    const some = next(1, tagFilter([1, 2]), encoding)
    const late = next(5, wantsAll, encoding)
    expect(whole).toBeInstanceOf(Promise)
    expect(next(1, wantsAll, encoding)).toBe(whole)
    expect(texts((await whole)!.frames!)).toEqual(all.map(text => `a:${text}`))
    expect(texts((await some)!.frames!)).toEqual([0, 1, 3, 4].map(i => `a:${all[i]}`))
    expect(texts((await late)!.frames!)).toEqual([4, 5].map(i => `a:${all[i]}`))
    expect(encoding.calls).toBe(1)
    expect(texts((await next(1, wantsAll, other))!.frames!)).toHaveLength(6)
    shared.forget()
    // What is encoded stays with the block and needs no promise.
    const known = next(1, tagFilter([0]), encoding) as Batch
    expect(texts(known.frames!)).toEqual([2, 5].map(i => `a:${all[i]}`))
    expect([...encoding.counts.values()].flatMap(counts => Array.from(counts.values()))).toEqual([
      1, 1, 1, 1, 1, 1,
    ])
  })

  it('tries again what could not be encoded', async () => {
    const { next, shared } = batchesOf(entries)
    const encoding = fakeEncoding('a')
    encoding.fail = new Error('no')
    await expect(next(1, wantsAll, encoding)).rejects.toThrow('no')
    shared.forget()
    encoding.fail = undefined
    expect(texts((await next(1, wantsAll, encoding))!.frames!)).toHaveLength(6)
  })
})

describe('in the hub', () => {
  it('a block is chosen from, framed and encoded once for a hundred subscribers', async () => {
    const log = new FakeLog()
    await using server = await startHub(log, { tickMs: 5 })
    const encoding = fakeEncoding('a', () => 2)
    const filters = Array.from({ length: 100 }, () => tagFilter([1, 2]))
    const written: Buffer[] = []
    const clients = await Promise.all(
      filters.map(async (filter, i) => {
        const kind = i % 4
        const { server: end, client } = await server.connect()
        const { stream } = end
        const write = stream.write.bind(stream)
        if (kind === 0) stream.write = (chunk: Buffer) => (written.push(chunk), write(chunk))
        server.hub.add({
          ...end,
          client: 'x',
          position: undefined,
          idle: false,
          heartbeatMs: 0,
          filter: kind % 2 === 0 ? wantsAll : filter,
          encoding: kind < 2 ? undefined : encoding,
        })
        return client
      }),
    )
    await until(() => server.hub.counts.live === 100)
    log.append(entries)
    server.hub.published()
    await until(() => clients.every((client, i) => client.messages.length === (i % 2 === 0 ? 6 : 4)))
    // Once for text and once for the encoding.
    expect(filters.reduce((sum, filter) => sum + filter.calls, 0)).toBe(2)
    expect(written).toHaveLength(25)
    expect(new Set(written).size).toBe(1)
    const [counts] = encoding.counts.values()
    expect([...counts!.values()]).toEqual([1, 1, 1, 1, 1, 1])
    expect(server.hub.stats.sentEvents).toBe(50 * 6 + 50 * 4)
  })
})
