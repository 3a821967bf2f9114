import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Block, cidOf, concatBytes, encodeCbor, readCar, readCarStream, writeCar } from '../src/index.ts'
import { encodeVarint } from '../src/varint.ts'
import { refusalOf } from './refused.ts'
import { runs } from './runs.ts'

function block(bytes: Uint8Array): Block {
  return { cid: cidOf(bytes), bytes }
}

const list = [0, 1, 2, 30, 127, 128, 5000].map(size => block(new Uint8Array(size).fill(size)))
const car = writeCar(list[0]!.cid, list)

/** A source that knows whether it was let go. */
class Source implements AsyncIterable<Uint8Array> {
  released = false
  given = 0
  readonly #chunks: readonly Uint8Array[]

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const value = this.#chunks[this.given++]
        return Promise.resolve(value ? { value, done: false } : { value: undefined, done: true })
      },
      return: () => {
        this.released = true
        return Promise.resolve({ value: undefined, done: true })
      },
    }
  }
}

async function readAll(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options?: Parameters<typeof readCarStream>[1],
): Promise<string[]> {
  const read: string[] = []
  for await (const { cid, bytes } of await readCarStream(source, options)) {
    read.push(`${cid} ${Buffer.from(bytes).toString('hex')}`)
  }
  return read
}

/** The CAR up to the block at `index`, for something else to follow. */
function carUpTo(index: number): Uint8Array {
  return writeCar(list[0]!.cid, list.slice(0, index))
}

describe('a streamed CAR', () => {
  it('gives the same blocks however it is cut into chunks', async () => {
    const whole = await readAll([car])
    expect(whole).toEqual(list.map(({ cid, bytes }) => `${cid} ${Buffer.from(bytes).toString('hex')}`))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(car.length), { maxLength: 40, size: 'max' }),
        fc.boolean(),
        async (cuts, async_) => {
          const at = [0, ...cuts, car.length].toSorted((a, b) => a - b)
          const chunks = at.slice(1).map((end, i) => car.slice(at[i], end))
          expect(await readAll(async_ ? new Source(chunks) : chunks)).toEqual(whole)
        },
      ),
      runs(200),
    )
  })

  it('comes byte by byte', async () => {
    expect(await readAll(Array.from(car, byte => Uint8Array.of(byte)))).toEqual(await readAll([car]))
  })

  it('has its roots before its blocks', async () => {
    const source = new Source([carUpTo(0), car.subarray(carUpTo(0).length)])
    const { roots } = await readCarStream(source)
    expect(roots.map(String)).toEqual([list[0]!.cid.toString()])
    expect(source.given).toBe(1)
  })

  it('gives blocks that are copies, of Buffers too', async () => {
    const chunk = Buffer.from(car)
    const read: Block[] = []
    for await (const one of await readCarStream([chunk])) read.push(one)
    chunk.fill(0)
    expect(read.map(({ bytes }) => cidOf(bytes).toString())).toEqual(list.map(({ cid }) => cid.toString()))
    expect(read.map(({ cid }) => cid.toString())).toEqual(list.map(({ cid }) => cid.toString()))
    // A record kept must not keep the chunk that it came in.
    expect(read.every(({ bytes }) => bytes.buffer.byteLength < bytes.length + 100)).toBe(true)
  })
})

describe('a streamed CAR is refused', () => {
  it('wherever it ends but between two blocks', async () => {
    const ends = new Set(list.map((_, i) => carUpTo(i).length).concat(car.length))
    for (let at = 0; at < car.length; at += at < 700 ? 1 : 97) {
      const code = await refusalOf(() => readAll([car.subarray(0, at)]))
      const inHeader = at === 0 ? 'car_bad_header' : 'car_truncated'
      expect({ at, code }).toEqual({ at, code: ends.has(at) ? undefined : inHeader })
    }
  })

  it('for a block that is not what its CID says, after those before it', async () => {
    const damaged = car.slice()
    damaged[damaged.length - 1]! ^= 1
    const read: string[] = []
    const code = await refusalOf(async () => {
      for await (const { cid } of await readCarStream([damaged])) read.push(cid.toString())
    })
    expect(code).toBe('hash_mismatch')
    expect(read).toEqual(list.slice(0, -1).map(({ cid }) => cid.toString()))
  })

  it.each([
    ['a block larger than its limit', concatBytes([carUpTo(1), encodeVarint(36 + 1001)]), 'car_bad_block'],
    [
      'a block smaller than a CID',
      concatBytes([carUpTo(1), Uint8Array.of(35), new Uint8Array(35)]),
      'car_bad_block',
    ],
    ['a length that never ends', concatBytes([carUpTo(1), new Uint8Array(9).fill(0xff)]), 'car_bad_block'],
    [
      'a CID of another kind',
      concatBytes([carUpTo(1), Uint8Array.of(36), new Uint8Array(36)]),
      'cid_invalid',
    ],
    [
      'a header larger than its limit',
      concatBytes([encodeVarint(10_001), new Uint8Array(10_001)]),
      'car_bad_header',
    ],
    ['a header length that never ends', new Uint8Array(9).fill(0xff), 'car_bad_header'],
    ['a header that is not CBOR', Uint8Array.of(2, 0xff, 0xff), 'car_bad_header'],
    ['a header without roots', headed({ roots: [], version: 1 }), 'car_bad_header'],
    ['a header of version 2', headed({ roots: [list[0]!.cid], version: 2 }), 'car_bad_header'],
    ['a header without a version', headed({ roots: [list[0]!.cid] }), 'car_bad_header'],
  ])('for %s, as it is in memory', async (name, bytes, code) => {
    expect(await refusalOf(() => readAll([bytes], { maxBlockBytes: 1000 }))).toBe(code)
    // In memory the whole has a limit, and a block that is larger than what is left is just not there.
    const inMemory = name === 'a block larger than its limit' ? 'car_truncated' : code
    expect(await refusalOf(() => Promise.resolve().then(() => readCar(bytes)))).toBe(inMemory)
  })

  it('for more bytes than it may have', async () => {
    const chunks = [car.slice(0, 500), car.slice(500)]
    expect(await refusalOf(() => readAll(chunks, { maxBytes: car.length }))).toBeUndefined()
    expect(await refusalOf(() => readAll(chunks, { maxBytes: car.length - 1 }))).toBe('car_bad_block')
  })

  it('takes a block of exactly the limit', async () => {
    const bytes = carUpTo(6)
    expect(await refusalOf(() => readAll([bytes], { maxBlockBytes: 128 }))).toBeUndefined()
    expect(await refusalOf(() => readAll([bytes], { maxBlockBytes: 127 }))).toBe('car_bad_block')
  })
})

describe('the source of a streamed CAR is let go', () => {
  const endless = Array.from({ length: 100 }, () => car.slice(carUpTo(0).length))

  it('when the reader stops early', async () => {
    const source = new Source([carUpTo(0), ...endless])
    for await (const { cid } of await readCarStream(source)) {
      expect(cid.equals(list[0]!.cid)).toBe(true)
      break
    }
    expect(source.released).toBe(true)
    expect(source.given).toBeLessThan(4)
  })

  it('when the reader throws', async () => {
    const source = new Source([carUpTo(0), ...endless])
    const reading = (async () => {
      for await (const { cid } of await readCarStream(source)) throw new Error(`enough; ${cid}`)
    })()
    await expect(reading).rejects.toThrow('enough')
    expect(source.released).toBe(true)
  })

  it.each([
    ['in a block', [carUpTo(0), Uint8Array.of(1), ...endless]],
    ['in the header', [Uint8Array.of(2, 0xff, 0xff), ...endless]],
    ['in the length of the header', [new Uint8Array(9).fill(0xff), ...endless]],
  ])('on an error %s', async (_, chunks) => {
    const source = new Source(chunks)
    expect(await refusalOf(() => readAll(source))).toMatch(/^car_bad_/)
    expect(source.released).toBe(true)
  })

  it.each([
    ['in the header', Uint8Array.of(2, 0xff, 0xff)],
    ['in a block', concatBytes([carUpTo(1), Uint8Array.of(1)])],
  ])('and its own error there does not hide the one %s', async (_, chunk) => {
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ value: chunk, done: false }),
        return: () => Promise.reject(new Error('cannot be closed')),
      }),
    }
    expect(await refusalOf(() => readAll(source))).toMatch(/^car_bad_/)
  })

  it('passes on what the source throws', async () => {
    await expect(readAll(broken())).rejects.toThrow('connection lost')
  })
})

function headed(header: Parameters<typeof encodeCbor>[0]): Uint8Array {
  const bytes = encodeCbor(header)
  return concatBytes([encodeVarint(bytes.length), bytes])
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield carUpTo(1)
  await Promise.resolve()
  throw new Error('connection lost')
}
