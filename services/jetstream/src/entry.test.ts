import { createBlock } from '@orrery/server'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventClock, EventEncoder } from './encode.ts'
import { indexOf } from './entry.ts'
import { timeUsAt } from './line.ts'
import { event } from './testing/arbitrary-events.ts'
import { blockFrom, linesOf, makeCommit } from './testing/make-events.ts'

interface Line {
  did: string
  time_us: number
  kind: string
  commit?: { collection: string }
}

it('tells of every line what JSON tells', () => {
  const clock = fc.integer({ min: Date.UTC(2001, 9), max: Date.UTC(2255, 5) })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 10 }), clock, (events, ms) => {
      const encoded = new EventEncoder(new EventClock(0, () => ms)).encode(events)
      const lines = linesOf(encoded).map(line => JSON.parse(line) as Line)
      const index = indexOf(blockFrom(encoded))
      expect(index.dids).toEqual(lines.map(line => line.did))
      expect(index.kinds).toEqual(lines.map(line => line.kind))
      expect(index.collections).toEqual(lines.map(line => line.commit?.collection ?? ''))
      const bytes = Buffer.from(encoded.bytes)
      expect(lines.map((_, i) => timeUsAt(bytes, i === 0 ? 0 : encoded.ends[i - 1]!))).toEqual(
        lines.map(line => line.time_us),
      )
    }),
    { numRuns: 300 },
  )
})

it('makes an index once for a block', () => {
  const { bytes, ends, positions } = new EventEncoder(new EventClock(0)).encode([makeCommit('a')])
  const block = createBlock(Buffer.from(bytes), ends, positions)
  expect(indexOf(block)).toBe(indexOf(block))
  expect(indexOf(createBlock(Buffer.from(bytes), ends, positions))).not.toBe(indexOf(block))
})
