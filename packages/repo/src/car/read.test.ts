import { describe, expect, it } from 'vitest'
import { refusal } from '../../test/refused.ts'
import { concatBytes } from '../bytes.ts'
import { encodeCbor } from '../cbor/encode.ts'
import { Cid, cidOf } from '../cid.ts'
import { encodeVarint } from '../varint.ts'
import { readCar } from './read.ts'
import { type Block, writeCar } from './write.ts'

function block(i: number): Block {
  const bytes = encodeCbor({ i })
  return { cid: cidOf(bytes), bytes }
}

const blocks = Array.from({ length: 40 }, (_, i) => block(i))
const car = writeCar(blocks[3]!.cid, blocks)

describe('a CAR in memory', () => {
  it('finds each block by its CID, and none that it has not', () => {
    const map = readCar(car)
    expect([map.size, map.roots.map(String)]).toEqual([40, [blocks[3]!.cid.toString()]])
    for (const { cid, bytes } of blocks) expect(Buffer.compare(map.get(cid)!, bytes)).toBe(0)
    for (let i = 100; i < 200; i++) expect(map.get(block(i).cid)).toBeUndefined()
  })

  it('is views into its bytes', () => {
    const map = readCar(car)
    for (const view of [map.get(blocks[0]!.cid)!, map.cid(0).bytes, map.roots[0]!.bytes]) {
      expect(view.buffer).toBe(car.buffer)
    }
  })

  it.each([2, 20, 30, 40])('gives the first of doubles, of %i blocks', count => {
    const list = blocks.slice(0, count)
    const doubled = readCar(writeCar(list[0]!.cid, [...list, ...list]))
    expect(doubled.size).toBe(2 * count)
    expect(list.map(({ cid }) => doubled.find(cid.bytes, 0))).toEqual(list.map((_, i) => i))
    expect(doubled.find(block(99).cid.bytes, 0)).toBe(-1)
  })

  it('has a root that is no block, or more than one root', () => {
    const elsewhere = block(77).cid
    expect(readCar(writeCar(elsewhere, blocks)).get(elsewhere)).toBeUndefined()
    const header = encodeCbor({ roots: [blocks[0]!.cid, elsewhere], version: 1 })
    expect(readCar(concatBytes([encodeVarint(header.length), header])).roots).toHaveLength(2)
  })

  it('is trusted only where it is told to', () => {
    const lie = writeCar(blocks[0]!.cid, [{ cid: blocks[0]!.cid, bytes: blocks[1]!.bytes }])
    expect(refusal(() => readCar(lie))).toBe('hash_mismatch')
    const map = readCar(lie, { verify: false })
    expect(Buffer.compare(map.get(blocks[0]!.cid)!, blocks[1]!.bytes)).toBe(0)
    expect(refusal(() => map.verify())).toBe('hash_mismatch')
  })

  it('checks doubles too, of which only the first would be found', () => {
    const lie = writeCar(blocks[0]!.cid, [blocks[0]!, { cid: blocks[0]!.cid, bytes: blocks[1]!.bytes }])
    expect(refusal(() => readCar(lie))).toBe('hash_mismatch')
  })

  it('tells CIDs apart that start the same', () => {
    const { cid, bytes } = blocks[0]!
    const alike = Array.from({ length: 50 }, (_, i): Block => {
      return { cid: new Cid(cid.bytes.with(35, i)), bytes: Uint8Array.of(i) }
    })
    const map = readCar(writeCar(cid, alike), { verify: false })
    expect(bytes.length).toBeGreaterThan(0)
    for (const one of alike) expect(Buffer.compare(map.get(one.cid)!, one.bytes)).toBe(0)
  })

  it('is refused where it ends inside a block', () => {
    for (let at = car.length - 1; at > car.length - 60; at--) {
      const code = refusal(() => readCar(car.subarray(0, at)))
      const atEdge = at === writeCar(blocks[3]!.cid, blocks.slice(0, 39)).length
      expect({ at, code }).toEqual({ at, code: atEdge ? undefined : 'car_truncated' })
    }
  })
})
