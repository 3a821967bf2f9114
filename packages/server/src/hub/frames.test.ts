import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBlock, type LogBlock } from './block.ts'
import { binaryFrames, headerBytes, lengthAt, selectedTextFrames, textFrames } from './frames.ts'
import { readFrames } from './testing/frame-reader.ts'

/** Around each change of the form of a length. */
const edges = [0, 1, 2, 124, 125, 126, 127, 255, 256, 257, 65_534, 65_535, 65_536, 65_537, 200_000]

const length = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 300 }))

function payloadsOf(lengths: readonly number[]): Buffer[] {
  return lengths.map((bytes, i) => Buffer.alloc(bytes, 97 + (i % 26)))
}

function blockOf(payloads: readonly Buffer[]): LogBlock {
  let end = 0
  const ends = Uint32Array.from(payloads, payload => (end += payload.length))
  return createBlock(
    Buffer.concat(payloads),
    ends,
    Float64Array.from(payloads, (_, i) => i + 1),
  )
}

function expectFrames(bytes: Buffer, opcode: number, payloads: readonly Buffer[]): void {
  const { frames, rest } = readFrames(bytes)
  expect(rest).toHaveLength(0)
  expect(frames.map(frame => frame.opcode)).toEqual(payloads.map(() => opcode))
  expect(Buffer.concat(frames.map(frame => frame.payload)).equals(Buffer.concat(payloads))).toBe(true)
  expect(frames.map(frame => frame.payload.length)).toEqual(payloads.map(payload => payload.length))
}

describe('frames are RFC 6455’s', () => {
  it.each(edges)('with %i bytes of payload', bytes => {
    const payloads = payloadsOf([bytes])
    const head = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10
    expect(headerBytes(bytes)).toBe(head)
    expect(textFrames(blockOf(payloads)).bytes).toHaveLength(head + bytes)
    expectFrames(textFrames(blockOf(payloads)).bytes, 1, payloads)
    expectFrames(selectedTextFrames(blockOf(payloads), [0]), 1, payloads)
    expectFrames(binaryFrames(payloads), 2, payloads)
  })

  it('for many payloads, all or chosen, framed before or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(length, fc.boolean()), { maxLength: 12 }),
        fc.boolean(),
        (items, framed) => {
          const payloads = payloadsOf(items.map(([bytes]) => bytes))
          const chosen = items.flatMap(([, wanted], i) => (wanted ? [i] : []))
          const block = blockOf(payloads)
          if (framed) textFrames(block)
          expectFrames(
            selectedTextFrames(block, chosen),
            1,
            chosen.map(i => payloads[i]!),
          )
          const { bytes, ends } = textFrames(block)
          expectFrames(bytes, 1, payloads)
          for (const i of payloads.keys())
            expectFrames(bytes.subarray(0, ends[i]), 1, payloads.slice(0, i + 1))
          expectFrames(binaryFrames(payloads), 2, payloads)
          expect(payloads.map((_, i) => lengthAt(block, i))).toEqual(payloads.map(payload => payload.length))
        },
      ),
      { numRuns: 60 },
    )
  })
})
