import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SketchError } from './bytes.ts'
import { createHasher } from './hash.ts'
import { exactLimit, Sketch } from './sketch.ts'

const hasher = createHasher(Uint8Array.from({ length: 16 }, (_, i) => i * 7))

function sketchOf(from: number, count: number): Sketch {
  const sketch = new Sketch()
  for (let i = from; i < from + count; i++) sketch.add(hasher(`did:plc:${i}`))
  return sketch
}

/** Made of a few runs of numbers, so that sets overlap, and some are exact and some are not. */
const sets = fc
  .array(fc.tuple(fc.nat(600), fc.constantFrom(0, 1, 5, 60, 130, 700)), { maxLength: 3 })
  .map(runs => {
    const sketch = new Sketch()
    for (const [from, count] of runs) sketch.merge(sketchOf(from, count))
    return sketch
  })

/** Undefined where they are none. */
function tryRead(bytes: Uint8Array): Sketch | undefined {
  try {
    return Sketch.fromBytes(bytes)
  } catch (error) {
    if (error instanceof SketchError) return undefined
    throw error
  }
}

function joined(...sketches: readonly Sketch[]): Sketch {
  const sum = new Sketch()
  for (const sketch of sketches) sum.merge(sketch)
  return sum
}

describe('counts', () => {
  it('exactly up to 128, whatever comes twice', () => {
    const sketch = new Sketch()
    for (let i = 0; i < exactLimit; i++) {
      expect(sketch.add(hasher(`${i}`))).toBe(true)
      expect(sketch.add(hasher(`${i >> 1}`))).toBe(false)
      expect([sketch.count(), sketch.isExact]).toEqual([i + 1, true])
    }
    sketch.add(hasher('one more'))
    expect(sketch.isExact).toBe(false)
    expect(Math.abs(sketch.count() - 129)).toBeLessThan(3)
  })

  // A standard error is 0.81 %, and less where most registers are empty. One draw in 15,000 is off by four of them.
  it.each([10, 100, 129, 1_000, 10_000, 100_000, 1_000_000])(
    '%i within four standard errors',
    count => {
      const found = sketchOf(0, count).count()
      expect(Math.abs(found - count) / count).toBeLessThan(count <= exactLimit ? Number.MIN_VALUE : 0.0325)
    },
    60_000,
  )

  it('scatters around the truth by no more than it says', () => {
    const draws = 40
    const errors = Array.from({ length: draws }, (_, i) => sketchOf(i * 30_000, 30_000).count() / 30_000 - 1)
    const mean = errors.reduce((sum, error) => sum + error, 0) / draws
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / draws)
    // Both are draws themselves: of a mean with a deviation of 0.13 %, and of a deviation known to a tenth.
    expect(Math.abs(mean)).toBeLessThan(0.0052)
    expect(deviation).toBeLessThan(0.0081 * 1.4)
    expect(deviation).toBeGreaterThan(0.0081 * 0.6)
  })
})

describe('merging', () => {
  it('is the same in any order and grouping, and as often as one likes', () => {
    fc.assert(
      fc.property(sets, sets, sets, (a, b, c) => {
        const bytes = joined(a, b, c).toBytes()
        expect(joined(c, b, a).toBytes()).toEqual(bytes)
        expect(joined(joined(b, c), a).toBytes()).toEqual(bytes)
        expect(joined(a, b, c, b, a, joined(a, c)).toBytes()).toEqual(bytes)
        expect(joined(a, a).toBytes()).toEqual(a.toBytes())
        expect(joined(new Sketch(), a).count()).toBe(a.count())
      }),
      { numRuns: 60 },
    )
  })

  it('is the same as adding all to one, by sketches and by bytes', () => {
    fc.assert(
      fc.property(fc.nat(900), fc.nat(900), fc.nat(900), (one, two, gap) => {
        const all = sketchOf(0, one)
        for (let i = gap; i < gap + two; i++) all.add(hasher(`did:plc:${i}`))
        const first = sketchOf(0, one)
        const second = sketchOf(gap, two)
        expect(joined(first, second).toBytes()).toEqual(all.toBytes())
        first.mergeBytes(second.toBytes())
        expect(first.toBytes()).toEqual(all.toBytes())
        expect(second.toBytes()).toEqual(sketchOf(gap, two).toBytes())
      }),
      { numRuns: 60 },
    )
  })
})

describe('bytes', () => {
  it.each([0, 1, 128, 129, 1_000, 3_000, 6_000, 20_000, 200_000, 500_000])(
    'of %i come back as they were',
    count => {
      const sketch = sketchOf(0, count)
      const bytes = sketch.toBytes()
      const back = Sketch.fromBytes(bytes)
      expect([back.count(), back.isExact]).toEqual([sketch.count(), sketch.isExact])
      expect(back.toBytes()).toEqual(bytes)
      expect(bytes.length).toBeLessThan(count <= exactLimit ? 3 + 7 * count : 8_400)
    },
    60_000,
  )

  it('are the same for the same set', () => {
    const forward = new Sketch()
    const backward = new Sketch()
    for (let i = 0; i < 5_000; i++) {
      forward.add(hasher(`${i}`))
      backward.add(hasher(`${4_999 - i}`))
    }
    expect(backward.toBytes()).toEqual(forward.toBytes())
  })

  it('that cannot be are refused', () => {
    const few = sketchOf(0, 500).toBytes()
    const many = sketchOf(0, 50_000).toBytes()
    const exact = sketchOf(0, 3).toBytes()
    const set = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
      const changed = bytes.slice()
      changed.set(values, at)
      return changed
    }
    const bad = {
      nothing: new Uint8Array(),
      'half a head': Uint8Array.of(1),
      'another version': set(exact, 0, 2),
      'another form': set(exact, 1, 3),
      'half an element': exact.subarray(0, -1),
      'elements out of order': Uint8Array.of(1, 0, ...exact.subarray(9, 16), ...exact.subarray(2, 9)),
      'an element twice': Uint8Array.of(1, 0, ...exact.subarray(2, 9), ...exact.subarray(2, 9)),
      'an element too large': set(exact, 15, 0xff),
      'too many elements': Uint8Array.of(1, 0, ...Buffer.alloc(7 * 129)),
      'half an entry': few.subarray(0, -1),
      'a rank too high': set(few, 2, 0xff),
      'a short gap of nothing': Uint8Array.of(1, 1, 64, 0),
      'a gap at the end': Uint8Array.of(1, 1, 0xc0, 0xff),
      'registers beyond the last': Uint8Array.of(1, 1, ...Buffer.alloc(40, Uint8Array.of(0xc1, 0xff))),
      'no registers': Uint8Array.of(1, 1),
      'half of the registers': many.subarray(0, 5_000),
      'a lowest rank that cannot be': set(many, 2, 25),
      'half an exception': Uint8Array.of(...many, 1),
      'an exception beyond the last register': Uint8Array.of(...many, 0, 0x40, 39),
      'an exception that is none': Uint8Array.of(...many.subarray(0, 8_195), 1, 0, 3),
      'exceptions out of order': Uint8Array.of(...many.subarray(0, 8_195), 2, 0, 30, 1, 0, 30),
      'an exception that cannot be': Uint8Array.of(...many.subarray(0, 8_195), 1, 0, 40),
    }
    for (const bytes of Object.values(bad)) {
      expect(() => sketchOf(0, 3).mergeBytes(bytes)).toThrow(SketchError)
      expect(() => Sketch.fromBytes(bytes)).toThrow('these bytes are no sketch')
    }
  })

  it('of any kind never do anything but be read or refused', () => {
    const kinds = [3, 500, 50_000].map(count => sketchOf(0, count).toBytes())
    const mutated = fc
      .tuple(
        fc.constantFrom(...kinds),
        fc.array(fc.tuple(fc.nat(8_300), fc.nat(255)), { maxLength: 4 }),
        fc.option(fc.nat(8_300)),
      )
      .map(([bytes, changes, length]) => {
        const changed = bytes.slice(0, length ?? bytes.length)
        for (const [at, value] of changes) if (at < changed.length) changed[at] = value
        return changed
      })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 40 })), bytes => {
        const sketch = tryRead(bytes)
        const count = sketch?.count() ?? 0
        expect(count).toBeGreaterThanOrEqual(0)
        expect(sketch && Sketch.fromBytes(sketch.toBytes()).count()).toBe(sketch && count)
      }),
      { numRuns: 500 },
    )
  })
})
