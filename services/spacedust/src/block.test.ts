import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { blockEntries, blockFor, letEntriesGo } from './block.ts'
import { type LinkEntry, type Mode, streams } from './entry.ts'

const mode = fc.constantFrom<Mode>(0, 1, 2)
const path = fc.string({ unit: 'binary' }).map(text => text.toWellFormed())

const entries: fc.Arbitrary<LinkEntry[]> = fc
  .array(
    fc.record({
      timeUs: fc.constant(0),
      operation: fc.constantFrom('create' as const, 'delete' as const),
      instant: mode,
      delayed: mode,
      source: path.map(text => `com.example.thing:${text}`),
      did: fc.constantFrom('did:plc:a', 'did:web:example.com%3A80'),
      rkey: fc.constantFrom('3lv4ouczo2b2a', 'self', 'a:b.c_d~-'),
      rev: fc.constant('3lv4oucxyz22k'),
      subject: fc.constantFrom('at://did:plc:x/a.b.c/d', 'did:plc:x', 'https://example.com/%22?q#f'),
    }),
    { maxLength: 8 },
  )
  .map(all => all.map((entry, i) => ({ ...entry, timeUs: 1_767_225_600_000_000 + i })))

it('has the entries that the stream shows, also once they were let go of', () => {
  fc.assert(
    fc.property(entries, all => {
      for (const stream of streams) {
        const block = blockFor(stream, all)
        const told = (): readonly LinkEntry[] => (block ? blockEntries(block) : [])
        const shown = all.filter(entry => entry[stream] > 0)
        expect(told()).toEqual(shown)
        if (block) letEntriesGo(block)
        expect(told()).toEqual(shown)
      }
    }),
  )
})

it('reads them out of the frames once for many who ask, and keeps so many', () => {
  const block = (n: number) => {
    const made = blockFor(
      'instant',
      Array.from({ length: 1_024 }, (_, i) => ({
        timeUs: n * 10_000 + i,
        operation: 'create' as const,
        instant: 1 as const,
        delayed: 1 as const,
        source: 'com.example.thing:to',
        did: 'did:plc:a',
        rkey: `${i}`,
        rev: '3lv4oucxyz22k',
        subject: 'did:plc:x',
      })),
    )!
    letEntriesGo(made)
    return made
  }
  const [first, ...others] = Array.from({ length: 20 }, (_, n) => block(n))
  const readOut = blockEntries(first!)
  for (const other of others.slice(0, 3)) blockEntries(other)
  expect(blockEntries(first!)).toBe(readOut)
  for (const other of others) blockEntries(other)
  expect(blockEntries(first!)).not.toBe(readOut)
  expect(blockEntries(first!)).toEqual(readOut)
})
