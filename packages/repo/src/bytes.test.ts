import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteSink, compareBytes, concatBytes, copyBytes, equalBytes } from './bytes.ts'

const bytes = fc.uint8Array({ maxLength: 6, max: 3 })

describe('byte strings', () => {
  it('compare as Buffers do', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b))
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
      }),
    )
  })

  it('are joined into a copy', () => {
    const parts = [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]
    const joined = concatBytes(parts)
    parts[0]![0] = 9
    expect(joined).toEqual(Uint8Array.of(1, 2, 3))
  })
})

describe('copyBytes', () => {
  it('copies a range to a place, and nothing else', () => {
    const cases = fc.tuple(fc.uint8Array({ maxLength: 120, size: 'max' }), fc.nat(20), fc.nat(20), fc.nat(20))
    fc.assert(
      fc.property(cases, ([source, from, cut, at]) => {
        const start = Math.min(from, source.length)
        const end = Math.max(start, source.length - cut)
        const out = Buffer.alloc(200, 0xee)
        expect(copyBytes(source, start, end, out, at)).toBe(at + end - start)
        const expected = Buffer.alloc(200, 0xee)
        expected.set(source.subarray(start, end), at)
        expect(Buffer.compare(out, expected)).toBe(0)
      }),
    )
  })
})

describe('ByteSink', () => {
  // Both ways of writing, by a loop and by a call, are on either side of a length.
  it('holds what was written, in order, whatever the lengths', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 80, size: 'max' }),
      fc.uint8Array({ maxLength: 90, size: 'max' }),
    )
    fc.assert(
      fc.property(fc.array(piece), pieces => {
        const sink = new ByteSink(1)
        for (const part of pieces) {
          if (typeof part === 'string') sink.ascii(part)
          else sink.copy(part, 0, part.length)
        }
        expect(Buffer.compare(sink.view(), Buffer.concat(pieces.map(part => Buffer.from(part))))).toBe(0)
      }),
    )
  })

  it('gives out a copy that the next write leaves alone', () => {
    const sink = new ByteSink(4)
    sink.ascii('abc')
    const copy = sink.copyOut()
    sink.reset()
    sink.ascii('xyz')
    expect([Buffer.from(copy).toString(), copy.buffer.byteLength]).toEqual(['abc', 3])
  })

  it('copies a part', () => {
    const sink = new ByteSink(1)
    sink.copy(Uint8Array.of(1, 2, 3, 4), 1, 3)
    expect(Array.from(sink.view())).toEqual([2, 3])
  })

  it('keeps its memory when it starts over', () => {
    const sink = new ByteSink(1)
    sink.ascii('x'.repeat(1000))
    const { buffer } = sink
    sink.reset()
    sink.ascii('y')
    expect(sink.buffer).toBe(buffer)
    expect(sink.view().toString()).toBe('y')
  })
})
