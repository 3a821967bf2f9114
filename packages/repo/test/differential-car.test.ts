import { blocksToCarFile, BlockMap as TheirBlockMap, readCar as theirReadCar } from '@atproto/repo'
import { CarReader, CarWriter } from '@ipld/car'
import * as fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { type Block, type BlockMap, cidOf, codecs, readCar, readCarStream, writeCar } from '../src/index.ts'
import { runs } from './runs.ts'

const blocks: fc.Arbitrary<Block> = fc
  .tuple(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(codecs.dagCbor, codecs.raw))
  .map(([bytes, codec]) => ({ cid: cidOf(bytes, codec), bytes }))

/** Blocks in any order, some there twice, the root anywhere among them. Nothing refers to anything. */
const cars = fc
  .array(blocks, { minLength: 1, maxLength: 30, size: 'max' })
  .chain(list => fc.shuffledSubarray([...list, ...list], { minLength: 1 }))
  .chain(list => fc.record({ list: fc.constant(list), root: fc.constantFrom(...list) }))

describe('a CAR that another library wrote', () => {
  it('reads as it was written: @ipld/car', async () => {
    await fc.assert(
      fc.asyncProperty(cars, async ({ list, root }) => {
        const { writer, out } = CarWriter.create([CID.decode(root.cid.bytes)])
        const written = collect(out)
        for (const { cid, bytes } of list) await writer.put({ cid: CID.decode(cid.bytes), bytes })
        await writer.close()
        const bytes = await written
        expect(contents(readCar(bytes))).toEqual(list.map(named))
        expect(Buffer.from(writeCar(root.cid, list)).equals(bytes)).toBe(true)
      }),
      runs(200),
    )
  })

  it('reads as it was written: @atproto/repo', async () => {
    await fc.assert(
      fc.asyncProperty(cars, async ({ list, root }) => {
        const theirs = new TheirBlockMap(
          list.map(({ cid, bytes }) => [CID.decode(cid.bytes), bytes] as const),
        )
        const bytes = await blocksToCarFile(CID.decode(root.cid.bytes), theirs)
        const car = readCar(bytes)
        expect(car.roots.map(String)).toEqual([root.cid.toString()])
        for (const { cid, bytes: data } of list) expect(Buffer.compare(car.get(cid)!, data)).toBe(0)
      }),
      runs(200),
    )
  })
})

describe('a CAR that we wrote', () => {
  it('reads in the other libraries as in ours', async () => {
    await fc.assert(
      fc.asyncProperty(cars, async ({ list, root }) => {
        const bytes = writeCar(root.cid, list)
        const ipld = await CarReader.fromBytes(bytes)
        const ipldBlocks = await collectItems(ipld.blocks())
        expect(ipldBlocks.map(block => named({ cid: block.cid, bytes: block.bytes }))).toEqual(
          list.map(named),
        )
        expect((await ipld.getRoots()).map(String)).toEqual([root.cid.toString()])

        const { blocks: theirs } = await theirReadCar(bytes)
        const ours = readCar(bytes)
        expect(theirs.size).toBe(new Set(list.map(block => block.cid.toString())).size)
        for (const [cid, data] of theirs)
          expect(Buffer.compare(ours.get(cidOf(data, codecOf(cid)))!, data)).toBe(0)
      }),
      runs(200),
    )
  })

  it('reads in one piece as in a stream', async () => {
    await fc.assert(
      fc.asyncProperty(cars, async ({ list, root }) => {
        const bytes = writeCar(root.cid, list)
        const stream = await readCarStream([bytes])
        expect((await collectItems(stream)).map(named)).toEqual(contents(readCar(bytes)))
        expect(stream.roots.map(String)).toEqual([root.cid.toString()])
      }),
      runs(200),
    )
  })
})

function codecOf(cid: { bytes: Uint8Array }): 0x71 | 0x55 {
  return cid.bytes[1] === codecs.raw ? codecs.raw : codecs.dagCbor
}

function named({ cid, bytes }: { cid: { toString(): string }; bytes: Uint8Array }): string {
  return `${cid} ${Buffer.from(bytes).toString('hex')}`
}

function contents(car: BlockMap): string[] {
  return Array.from({ length: car.size }, (_, block) => {
    return named({ cid: car.cid(block), bytes: car.bytes.subarray(car.start(block), car.end(block)) })
  })
}

async function collectItems<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Uint8Array.from(Buffer.concat(await collectItems(source)))
}
