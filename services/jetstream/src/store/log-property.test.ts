import { createBlock } from '@orrery/server'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventClock, EventEncoder } from '../encode.ts'
import { event } from '../testing/arbitrary-events.ts'
import { plan, play } from '../testing/log-plan.ts'
import { linesIn, linesOf, makeCommit } from '../testing/make-events.ts'
import { temporaryFolder } from '../testing/test-log.ts'
import { joinPacks, packEvents } from './block-codec.ts'
import { blockOf } from './block.ts'
import { listSegments, segmentAt, segmentStart } from './segments.ts'

it('reads from anywhere exactly what was appended, whatever the sizes, the clock and the restarts', async () => {
  const property = fc.asyncProperty(plan, play)
  await expect(fc.assert(property, { numRuns: 7, endOnFailure: true })).resolves.toBeUndefined()
}, 60_000)

it('packs and unpacks any events', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(event, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
      batches => {
        const encoder = new EventEncoder(new EventClock(0))
        const encoded = batches.map(events => encoder.encode(events)).filter(({ ends }) => ends.length > 0)
        const packs = encoded.map(({ bytes, ends }) => packEvents(bytes, ends))
        const block = blockOf(joinPacks(packs))
        expect(linesIn(block)).toEqual(encoded.flatMap(linesOf))
        expect([...block.positions]).toEqual(encoded.flatMap(each => Array.from(each.positions)))
      },
    ),
  )
})

it('makes the same block of a pack as of what was encoded', () => {
  const { bytes, ends, positions } = new EventEncoder(new EventClock(0)).encode([
    makeCommit('a'),
    makeCommit('b', 500),
  ])
  const block = blockOf(packEvents(bytes, ends))
  const own = createBlock(Buffer.from(bytes), ends, positions)
  expect([block.count, block.first, block.last]).toEqual([own.count, own.first, own.last])
  expect(block.frames.equals(own.frames)).toBe(true)
})

it('names segments by their hour, in order', () => {
  const time = fc.integer({ min: Date.UTC(2001, 9) * 1000, max: Date.UTC(2255, 1) * 1000 })
  fc.assert(
    fc.property(time, time, (a, b) => {
      const [one, two] = [segmentAt('/x', a), segmentAt('/x', b)]
      expect(one.path).toBe(`/x/${one.name}.sqlite`)
      expect(segmentStart(one)).toBe(Math.floor(a / 3_600_000_000) * 3_600_000_000)
      expect(Math.sign(one.name.localeCompare(two.name))).toBe(
        Math.sign(segmentStart(one) - segmentStart(two)),
      )
    }),
  )
  expect(listSegments(temporaryFolder())).toEqual([])
})
