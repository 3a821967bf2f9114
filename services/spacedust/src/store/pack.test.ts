import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packEntries, unpackEntries } from './pack.ts'
import { tidOf, tidParts } from './tid.ts'

const tid = fc
  .record({ us: fc.integer({ min: 0, max: 2 ** 52 - 1 }), clock: fc.nat(1023) })
  .map(parts => tidOf(parts))
const key = fc.oneof(tid, fc.constantFrom('self', 'key', '', '7zzzzzzzzzzzz', '2222222222222'), fc.string())
const mode = fc.constantFrom(0, 1, 2)
const text = fc.string({ unit: 'binary' }).map(string => string.toWellFormed())
const subject = fc.oneof(
  text,
  fc.tuple(fc.constantFrom('did:plc:a', 'did:web:b'), key).map(([did, rkey]) => `at://${did}/x.y.z/${rkey}`),
  fc.constantFrom('did:plc:x', 'https://example.com/a/b/c', 'at://a/b/c/d', 'at:////'),
)
const entry = fc.record({
  step: fc.integer({ min: 1, max: 1e13 }),
  operation: fc.constantFrom('create', 'delete'),
  instant: mode,
  delayed: mode,
  source: fc.oneof(text, fc.constantFrom('a.b.c:d', 'a.b.c:e[]')),
  did: fc.constantFrom('did:plc:a', 'did:plc:b', 'did:web:ä'),
  rkey: key,
  rev: key,
  subject,
})

it('entries come out of a pack as they went in', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), list => {
      let timeUs = 1_767_225_600_000_000
      const entries = list.map(({ step, ...rest }) => ({ timeUs: (timeUs += step), ...rest }))
      expect(unpackEntries(packEntries(entries))).toEqual(entries)
    }),
  )
})

it('what ends early is refused', () => {
  const { texts, numbers } = packEntries([
    {
      timeUs: 5,
      operation: 'create',
      instant: 1,
      delayed: 1,
      source: 'a:b',
      did: 'did:plc:a',
      rkey: 'k',
      rev: 'r',
      subject: 's',
    },
  ])
  expect(() => unpackEntries({ texts, numbers: numbers.subarray(0, 5) })).toThrow(RangeError)
  expect(() => unpackEntries({ texts: texts.subarray(0, 5), numbers })).toThrow(RangeError)
})

describe('TIDs', () => {
  it('are times and clocks', () => {
    expect(tidParts('3jzfcijpj2z2a')).toEqual({ us: 1_688_137_381_887_007, clock: 6 })
    expect(tidOf({ us: 1_688_137_381_887_007, clock: 6 })).toBe('3jzfcijpj2z2a')
  })

  it('are not any text', () => {
    for (const no of [
      '',
      'self',
      '3jzfcijpj2z2',
      '3JZFCIJPJ2Z2A',
      'kjzfcijpj2z2a',
      'jzzzzzzzzzzzz',
      '3jzfcijpj2z21',
    ]) {
      expect(tidParts(no)).toBeUndefined()
    }
  })
})
