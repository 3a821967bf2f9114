import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryAt, type LogBlock } from './block.ts'
import { RecentBlocks } from './log.ts'
import { blockOf, makeEntry } from './testing/entries.ts'

const step = fc.oneof(
  fc.record({
    kind: fc.constant('push'),
    gaps: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
    bytes: fc.integer({ min: 0, max: 60 }),
  }),
  // Back by so many positions from the newest.
  fc.record({ kind: fc.constant('release'), back: fc.integer({ min: 0, max: 60 }) }),
)

describe('RecentBlocks', () => {
  it('is the end of a plain array', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.integer({ min: 0, max: 400 }),
        fc.constantFrom(0, 1, 10),
        (steps, maxBytes, floor) => {
          const recent = new RecentBlocks(maxBytes, floor)
          let model: LogBlock[] = []
          let [newest, kept, released] = [floor, floor, floor] as [number, number, number]
          for (const each of steps) {
            if (each.kind === 'push') {
              const block = blockOf(each.gaps.map(gap => makeEntry((newest += gap), 0, each.bytes)))
              recent.push(block)
              model.push(block)
            } else {
              released = Math.max(released, newest - each.back)
              recent.releaseBefore(newest - each.back)
            }
            // Dropped from the front: what may go, while there is too much, and never the last.
            while (
              model.length > 1 &&
              model.reduce((sum, block) => sum + block.frames.length, 0) > maxBytes &&
              model[0]!.last < released
            ) {
              kept = model[0]!.last + 1
              model = model.slice(1)
            }
            expect(recent.bytes).toBe(model.reduce((sum, block) => sum + block.frames.length, 0))
            for (let at = floor - 1; at <= newest + 1; at++) {
              const found = at < kept ? undefined : model.find(block => block.last >= at)
              expect(recent.find(at)).toBe(found)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('keeps what is not safe elsewhere, whatever the budget', () => {
    const recent = new RecentBlocks(0)
    const blocks = [1, 2, 3].map(position => blockOf([makeEntry(position, 0)]))
    for (const block of blocks) recent.push(block)
    expect(recent.find(0)).toBe(blocks[0])
    recent.releaseBefore(3)
    expect([recent.find(0), recent.find(2), recent.find(3)]).toEqual([undefined, undefined, blocks[2]])
  })

  it('joins what is kept elsewhere, and has the same entries at the same positions', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), { minLength: 1 }),
        fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 4 }),
        fc.constantFrom(0, 40_000, 300_000),
        (gaps, joins, bytes) => {
          const recent = new RecentBlocks(Number.POSITIVE_INFINITY)
          let newest = 0
          const entries = gaps.map(block => block.map(gap => makeEntry((newest += gap), 0, bytes)))
          const blocks = entries.map(blockOf)
          for (const [i, block] of blocks.entries()) {
            recent.push(block)
            // At any time, and more than once.
            if (i % 2 === 1) for (const position of joins) recent.joinBefore(position)
          }
          for (const position of joins) recent.joinBefore(position)
          expect(recent.bytes).toBe(blocks.reduce((sum, block) => sum + block.frames.length, 0))
          const found: string[] = []
          for (let position = 0; position <= newest;) {
            const block = recent.find(position)!
            expect(block.first).toBeGreaterThanOrEqual(position)
            expect(block.frames.length).toBeLessThanOrEqual(Math.max(512 * 1024, bytes * 4 + 100))
            found.push(...block.positions.keys().map(i => entryAt(block, i).toString()))
            position = block.last + 1
          }
          expect(found).toEqual(entries.flat().map(entry => entry.text))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('joins small blocks to few, and leaves the newest alone', () => {
    const recent = new RecentBlocks(Number.POSITIVE_INFINITY)
    for (let i = 1; i <= 100; i++) recent.push(blockOf([makeEntry(i, 0)]))
    recent.joinBefore(91)
    expect(recent.find(1)).toMatchObject({ count: 90, first: 1, last: 90 })
    expect(recent.find(91)).toMatchObject({ count: 1 })
  })

  it('keeps what is encoded already', async () => {
    const recent = new RecentBlocks(Number.POSITIVE_INFINITY)
    const [one, two, three] = [1, 2, 3].map(i => blockOf([makeEntry(i, 0)]))
    one!.encoded = new Map([['a', [Buffer.from('one')]]])
    // On its way, which is to another block than the joined one.
    two!.encoded = new Map([['a', [Promise.resolve()]]])
    for (const block of [one!, two!, three!]) recent.push(block)
    recent.joinBefore(4)
    expect(recent.find(1)!.encoded!.get('a')).toEqual([Buffer.from('one'), undefined, undefined])
  })

  it('has nothing from before its floor', () => {
    const recent = new RecentBlocks(1000, 10)
    expect(recent.find(10)).toBeUndefined()
    const block = blockOf([makeEntry(20, 0)])
    recent.push(block)
    expect([recent.find(9), recent.find(10), recent.find(20), recent.find(21)]).toEqual([
      undefined,
      block,
      block,
      undefined,
    ])
  })
})
