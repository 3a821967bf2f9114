import { describe, expect, it } from 'vitest'
import { SharedFrames } from './shared-frames.ts'
import { wantsAll } from './subscriber.ts'
import { fakeEncoding } from './testing/encodings.ts'
import { blockOf, makeEntry, tagFilter } from './testing/entries.ts'
import { readFrames } from './testing/frame-reader.ts'
import { FakeLog } from './testing/fake-log.ts'
import { startHub } from './testing/hub-server.ts'
import { until } from './testing/until.ts'

const entries = [1, 2, 3, 4, 5, 6].map(position => makeEntry(position, position % 3))
const texts = (bytes: Buffer): string[] => readFrames(bytes).frames.map(({ payload }) => payload.toString())

describe('SharedFrames', () => {
  it('frames a block once for all who want it whole', () => {
    const shared = new SharedFrames()
    const block = blockOf(entries)
    const bytes = shared.text(block, wantsAll, 0, undefined)
    expect(shared.text(block, wantsAll, 0, undefined)).toBe(bytes)
    shared.forget()
    expect(shared.text(block, wantsAll, 0, undefined)).toBe(bytes)
    // Whoever begins in its middle shares it too.
    const tail = shared.text(block, wantsAll, 4, undefined)
    expect(tail.buffer).toBe(bytes.buffer)
    expect(texts(tail)).toEqual(entries.slice(4).map(entry => entry.text))
  })

  it('chooses and frames once for filters of the same key', () => {
    const shared = new SharedFrames()
    const block = blockOf(entries)
    const [one, two] = [tagFilter([1]), tagFilter([1])]
    const indices = shared.select(block, one)
    expect(shared.select(block, two)).toBe(indices)
    expect([one.calls, two.calls]).toEqual([1, 0])
    expect(shared.text(block, two, 0, indices)).toBe(shared.text(block, one, 0, indices))
    shared.forget()
    shared.select(block, two)
    expect(two.calls).toBe(1)
  })

  it('keeps apart who begins elsewhere in the same block', () => {
    const shared = new SharedFrames()
    const block = blockOf(entries)
    const filter = tagFilter([1, 2])
    expect(texts(shared.text(block, filter, 0, [0, 1, 3, 4]))).toHaveLength(4)
    expect(texts(shared.text(block, filter, 2, [3, 4]))).toEqual([3, 4].map(i => entries[i]!.text))
  })

  it('does not take one block for another that begins alike', () => {
    const shared = new SharedFrames()
    const [short, long] = [blockOf(entries.slice(0, 2)), blockOf(entries)]
    const filter = tagFilter([1, 2])
    expect(shared.select(short, filter)).toEqual([0, 1])
    const indices = shared.select(long, filter)
    expect(indices).toEqual([0, 1, 3, 4])
    shared.text(short, filter, 0, [0, 1])
    expect(texts(shared.text(long, filter, 0, indices))).toHaveLength(4)
  })

  it('encodes each entry once, where filters overlap and ask at the same time', async () => {
    const shared = new SharedFrames()
    const block = blockOf(entries)
    const encoding = fakeEncoding('a', () => 1)
    const other = fakeEncoding('b')
    const all = shared.encoded(block, wantsAll, encoding, 0, undefined)
    const some = shared.encoded(block, tagFilter([1, 2]), encoding, 0, [0, 1, 3, 4])
    const late = shared.encoded(block, wantsAll, encoding, 4, undefined)
    expect(all).toBeInstanceOf(Promise)
    expect(shared.encoded(block, wantsAll, encoding, 0, undefined)).toBe(all)
    expect(texts(await all)).toEqual(entries.map(({ text }) => `a:${text}`))
    expect(texts(await some)).toEqual([0, 1, 3, 4].map(i => `a:${entries[i]!.text}`))
    expect(texts(await late)).toEqual([4, 5].map(i => `a:${entries[i]!.text}`))
    expect(texts(await shared.encoded(block, wantsAll, other, 0, undefined))).toHaveLength(6)
    shared.forget()
    // What is encoded stays with the block and needs no promise.
    expect(shared.encoded(block, tagFilter([0]), encoding, 0, [2, 5])).toBeInstanceOf(Buffer)
    expect([...encoding.counts.get(block)!.values()]).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('tries again what could not be encoded', async () => {
    const shared = new SharedFrames()
    const block = blockOf(entries)
    const encoding = fakeEncoding('a')
    encoding.fail = new Error('no')
    await expect(shared.encoded(block, wantsAll, encoding, 0, undefined)).rejects.toThrow('no')
    shared.forget()
    encoding.fail = undefined
    expect(texts(await shared.encoded(block, wantsAll, encoding, 0, undefined))).toHaveLength(6)
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
    expect(filters.reduce((sum, filter) => sum + filter.calls, 0)).toBe(1)
    expect(written).toHaveLength(25)
    expect(new Set(written).size).toBe(1)
    const [counts] = encoding.counts.values()
    expect([...counts!.values()]).toEqual([1, 1, 1, 1, 1, 1])
    expect(server.hub.stats.sentEvents).toBe(50 * 6 + 50 * 4)
  })
})
