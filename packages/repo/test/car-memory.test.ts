import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { type Block, cidOf, readCarStream, writeCar } from '../src/index.ts'
import { encodeVarint } from '../src/varint.ts'

const mega = 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is alive on the heap and in buffers together: chunks and blocks are outside the heap. */
function memoryInUse(): number {
  // The memory of dead buffers is given back by the collection after the one that finds them.
  collectGarbage()
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Chunks of a CAR that is made while it is read: `count` times the same blocks, in pieces of `chunkBytes`. */
function* longCar(blocks: readonly Block[], count: number, chunkBytes: number): Generator<Uint8Array> {
  const empty = writeCar(blocks[0]!.cid, [])
  yield empty
  const part = writeCar(blocks[0]!.cid, blocks).subarray(empty.length)
  for (let i = 0; i < count; i++) {
    for (let at = 0; at < part.length; at += chunkBytes) yield part.slice(at, at + chunkBytes)
  }
}

it('a stream of 200 MB takes no more memory than a few blocks of it', { timeout: 60_000 }, async () => {
  const blocks = [500, 2000, 60_000, mega].map((size, i) => {
    const bytes = new Uint8Array(size).fill(i)
    return { cid: cidOf(bytes), bytes }
  })
  const before = memoryInUse()
  let most = 0
  let total = 0
  let seen = 0
  for await (const { bytes } of await readCarStream(longCar(blocks, 185, 64 * 1024))) {
    total += bytes.length
    if (++seen % 40 === 0) most = Math.max(most, memoryInUse())
  }
  expect(total).toBeGreaterThan(200_000_000)
  expect((most - before) / mega).toBeLessThan(20)
})

it('a length of megabytes with nothing behind it takes next to no memory', async () => {
  const block = { cid: cidOf(new Uint8Array(1)), bytes: new Uint8Array(1) }
  const claim = Buffer.concat([writeCar(block.cid, []), encodeVarint(2 * mega)])
  const before = memoryInUse()
  const streams: AsyncIterator<Block>[] = []
  for (let i = 0; i < 100; i++) {
    const stream = (await readCarStream(neverEnding(claim)))[Symbol.asyncIterator]()
    void stream.next()
    streams.push(stream)
  }
  await new Promise(resolve => void setImmediate(resolve))
  expect((memoryInUse() - before) / mega).toBeLessThan(20)
  expect(streams).toHaveLength(100)
})

it(
  'a block that comes byte by byte takes memory for its bytes, not for its chunks',
  { timeout: 60_000 },
  async () => {
    const bytes = new Uint8Array(mega).fill(7)
    const car = writeCar(cidOf(bytes), [{ cid: cidOf(bytes), bytes }])
    const one = new Uint8Array(1)
    let most = 0
    const before = memoryInUse()
    function* single(): Generator<Uint8Array> {
      for (let i = 0; i < car.length; i++) {
        // The same byte again and again, as the reader has copied it by the time that it asks for more.
        one[0] = car[i]!
        if (i % 131_072 === 0) most = Math.max(most, memoryInUse())
        yield one
      }
    }
    for await (const block of await readCarStream(single()))
      expect(Buffer.compare(block.bytes, bytes)).toBe(0)
    expect((most - before) / mega).toBeLessThan(20)
  },
)

/** Gives one chunk and then waits for ever, as a stalled download does. */
async function* neverEnding(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk
  await new Promise(() => undefined)
}
