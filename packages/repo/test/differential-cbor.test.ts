import { isDeepStrictEqual } from 'node:util'
import * as atcute from '@atcute/cbor'
import * as lex from '@atproto/lex-cbor'
import * as ipld from '@ipld/dag-cbor'
import * as fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { type CborValue, Cid, decodeCbor, encodeCbor } from '../src/index.ts'
import { bigintegers, keys, objectOf, safeIntegers, values } from './arbitraries.ts'
import { runs } from './runs.ts'

/** The same value with the CID class of the other libraries. */
function foreign(value: CborValue): unknown {
  if (value instanceof Cid) return CID.decode(value.bytes)
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(foreign)
  return objectOf(Object.entries(value).map(([key, item]) => [key, foreign(item) as CborValue]))
}

/** Keys without those that another library takes as more than a key: each asks objects what they are, in its own way. */
const plainKeys = keys.filter(key => !['asCID', '/', 'toJSON', '__proto__', 'constructor'].includes(key))
const doubles = fc.double({ noNaN: true, noDefaultInfinity: true }).filter(x => !Number.isInteger(x))

describe('DAG-CBOR against @ipld/dag-cbor', () => {
  const { value } = values({ keys: plainKeys, leaves: [bigintegers, doubles] })

  it('encodes every value to the same bytes', () => {
    fc.assert(
      fc.property(value, sample => {
        expect(Buffer.from(encodeCbor(sample)).equals(ipld.encode(foreign(sample)))).toBe(true)
      }),
      runs(2000),
    )
  })

  it('decodes what the other encoded to the same value, and encodes it back', () => {
    fc.assert(
      fc.property(value, sample => {
        const bytes = Uint8Array.from(ipld.encode(foreign(sample)))
        // The other drops a byte order mark at the start of a text, and so loses what was signed.
        fc.pre(!Buffer.from(bytes).includes('\ufeff'))
        const decoded = decodeCbor(bytes)
        expect(isDeepStrictEqual(foreign(decoded), ipld.decode(bytes))).toBe(true)
        expect(Buffer.from(encodeCbor(decoded)).equals(bytes)).toBe(true)
      }),
      runs(2000),
    )
  })
})

describe('DAG-CBOR of every kind of key', () => {
  const { value } = values({ leaves: [bigintegers, doubles] })

  it('comes back as it was', () => {
    fc.assert(
      fc.property(value, sample => {
        expect(isDeepStrictEqual(foreign(decodeCbor(encodeCbor(sample))), foreign(sample))).toBe(true)
      }),
      runs(2000),
    )
  })
})

describe('records against the libraries of atproto', () => {
  // Both refuse bigints; the keys are those that both treat as keys.
  const { record } = values({ keys: plainKeys })

  it('encodes as @atproto/lex-cbor does', () => {
    fc.assert(
      fc.property(record, sample => {
        expect(Buffer.from(encodeCbor(sample)).equals(lex.encode(foreign(sample) as lex.LexValue))).toBe(true)
      }),
      runs(1000),
    )
  })

  it('is decoded and encoded by @atcute/cbor to the same bytes', () => {
    fc.assert(
      fc.property(record, sample => {
        const bytes = encodeCbor(sample)
        expect(Buffer.from(atcute.encode(atcute.decode(bytes))).equals(bytes)).toBe(true)
      }),
      runs(1000),
    )
  })
})

describe('integers', () => {
  it('stay numbers while they are safe and are bigints beyond', () => {
    fc.assert(
      fc.property(fc.oneof(safeIntegers.map(BigInt), bigintegers), sample => {
        const decoded = decodeCbor(encodeCbor(sample))
        const safe = sample >= BigInt(Number.MIN_SAFE_INTEGER) && sample <= BigInt(Number.MAX_SAFE_INTEGER)
        expect(decoded).toBe(safe ? Number(sample) : sample)
      }),
      runs(2000),
    )
  })
})
