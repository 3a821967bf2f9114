import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinedFrames, type Frames, headerBytes, headerBytesAt, textFrames } from './frames.ts'
import { readFrames } from './testing/frame-reader.ts'

/** Around each change of the form of a length. */
const edges = [0, 1, 2, 124, 125, 126, 127, 255, 256, 257, 65_534, 65_535, 65_536, 65_537, 200_000]

const length = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 300 }))

function payloadsOf(lengths: readonly number[]): Buffer[] {
  return lengths.map((bytes, i) => Buffer.alloc(bytes, 97 + (i % 26)))
}

function framesOf(payloads: readonly Buffer[]): Frames {
  let end = 0
  return textFrames(
    Buffer.concat(payloads),
    Uint32Array.from(payloads, payload => (end += payload.length)),
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
    const { bytes: frames } = framesOf(payloads)
    expect(frames).toHaveLength(head + bytes)
    expect(headerBytesAt(frames, 0)).toBe(head)
    expectFrames(frames, 1, payloads)
    expectFrames(joinedFrames(payloads), 2, payloads)
    expectFrames(joinedFrames(payloads, true), 1, payloads)
  })

  it('for many payloads', () => {
    fc.assert(
      fc.property(fc.array(length, { maxLength: 12 }), lengths => {
        const payloads = payloadsOf(lengths)
        const { bytes, ends } = framesOf(payloads)
        expectFrames(bytes, 1, payloads)
        for (const i of payloads.keys()) {
          expectFrames(bytes.subarray(0, ends[i]), 1, payloads.slice(0, i + 1))
          const start = i === 0 ? 0 : ends[i - 1]!
          expect(ends[i]! - start - headerBytesAt(bytes, start)).toBe(payloads[i]!.length)
        }
        expectFrames(joinedFrames(payloads), 2, payloads)
      }),
      { numRuns: 60 },
    )
  })
})
