import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  backlinksCursor,
  type CursorKind,
  didsCursor,
  formatCursor,
  groupsCursor,
  joinCursor,
  parseCursor,
  sourcesCursor,
  targetsCursor,
} from './cursor.ts'

const query = { key: { target: 'at://did:plc:a/x.y.z/1', source: { collection: 'a.b.c', path: '.d' } } }
const seq = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER))
const text = fc.string({ unit: 'grapheme' })
const source = fc.record({ collection: text, path: text })

const kinds: [CursorKind<unknown>, fc.Arbitrary<unknown>][] = [
  [backlinksCursor, fc.record({ seq, link: seq })],
  [didsCursor, fc.record({ seq, link: seq })],
  [joinCursor, fc.record({ seq, link: seq, other: seq })],
  [groupsCursor, text],
  [sourcesCursor, fc.record({ source, records: seq, distinct: seq })],
  [targetsCursor, fc.record({ target: text, source })],
]

/** What is said where it is refused, else nothing. */
function refusalOf(attempt: () => unknown): string {
  try {
    attempt()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe.each(kinds)('the cursor of $name', (kind, places) => {
  it('gives its place back, in either case', () => {
    fc.assert(
      fc.property(places, place => {
        const cursor = formatCursor(kind, query, place)!
        expect(cursor).toMatch(/^[0-9a-f]+$/)
        expect(parseCursor(kind, query, cursor)).toEqual(place)
        expect(parseCursor(kind, query, cursor.toUpperCase())).toEqual(place)
      }),
    )
  })

  it('is refused where it is cut or lengthened, and for any other bytes', () => {
    fc.assert(
      fc.property(places, fc.nat(), fc.uint8Array(), (place, at, bytes) => {
        const cursor = formatCursor(kind, query, place)!
        const head = cursor.slice(0, 14)
        expect(() => parseCursor(kind, query, cursor.slice(0, (at % (cursor.length / 2)) * 2))).toThrow(
          '"cursor"',
        )
        expect(() => parseCursor(kind, query, `${cursor}00`)).toThrow('damaged')
        const other = head + Buffer.from(bytes).toString('hex')
        expect(refusalOf(() => parseCursor(kind, query, other))).toMatch(/^$|"cursor" is damaged/)
      }),
    )
  })

  it('is refused for another query and another list', () => {
    fc.assert(
      fc.property(places, place => {
        const cursor = formatCursor(kind, query, place)!
        expect(() => parseCursor(kind, { ...query, reverse: true }, cursor)).toThrow(
          'comes from another query',
        )
        for (const [other] of kinds) {
          if (other === kind) continue
          expect(() => parseCursor(other, query, cursor)).toThrow(
            `comes from another endpoint: it continues ${kind.name}, and this is ${other.name}`,
          )
        }
      }),
      { numRuns: 10 },
    )
  })
})

describe('parseCursor', () => {
  it('takes none for none, and ends with null', () => {
    expect(parseCursor(backlinksCursor, query, undefined)).toBeUndefined()
    expect(formatCursor(backlinksCursor, query, undefined)).toBeNull()
  })

  it.each(['', '0', 'xyz', 'd1d', ' d1', 'd1é'])('refuses what is no hex: %j', cursor => {
    expect(() => parseCursor(backlinksCursor, query, cursor)).toThrow('must be the hex')
  })

  it.each([
    '00',
    'd1',
    'd10000000000',
    '050003',
    '040102',
    'fa0096',
    'fbfb000097',
    'fbe8030cfb8403',
    '03302c32',
    '023537',
  ])('refuses what this server did not give, those of the first server among it: %s', cursor => {
    expect(() => parseCursor(backlinksCursor, query, cursor)).toThrow('not one that this server gave')
  })
})
