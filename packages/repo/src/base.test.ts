import * as fc from 'fast-check'
import { base32 } from 'multiformats/bases/base32'
import { base58btc } from 'multiformats/bases/base58'
import { describe, expect, it } from 'vitest'
import { runs } from '../test/runs.ts'
import { toBase32, toBase58, tryParseBase32, tryParseBase58, writeBase64 } from './base.ts'
import { ByteSink } from './bytes.ts'

const bytes = fc.uint8Array({ maxLength: 70 })

describe('base32', () => {
  it('is the one of multiformats, both ways', () => {
    fc.assert(
      fc.property(bytes, sample => {
        expect(toBase32(sample)).toBe(base32.baseEncode(sample))
        expect(tryParseBase32(toBase32(sample))).toEqual(sample)
      }),
      runs(500),
    )
  })

  it('has one text for each byte string: whatever it reads, it writes', () => {
    const almost = fc.string({ unit: fc.constantFrom('a', 'b', 'q', 'z', '2', '7'), maxLength: 12 })
    fc.assert(
      fc.property(almost, text => {
        const read = tryParseBase32(text)
        expect(read === undefined || toBase32(read) === text).toBe(true)
      }),
      runs(2000),
    )
  })

  it.each(['A', 'a', '1a', 'a=', 'aé', 'ab ', 'az', 'aaa'])('refuses %j', text => {
    expect(tryParseBase32(text)).toBeUndefined()
  })
})

describe('base58', () => {
  it('is the one of multiformats, both ways', () => {
    fc.assert(
      fc.property(fc.nat(3), bytes, (zeros, rest) => {
        const sample = Uint8Array.from([...new Uint8Array(zeros), ...rest])
        expect(toBase58(sample)).toBe(base58btc.baseEncode(sample))
        expect(tryParseBase58(toBase58(sample))).toEqual(sample)
      }),
      runs(500),
    )
  })

  it.each(['0', 'O', 'I', 'l', 'a ', '+', 'é'])('refuses %j', text => {
    expect(tryParseBase58(text)).toBeUndefined()
  })
})

describe('base64', () => {
  it('is the standard one without padding', () => {
    fc.assert(
      fc.property(bytes, fc.nat(5), (sample, start) => {
        const from = Math.min(start, sample.length)
        const sink = new ByteSink(1)
        writeBase64(sample, from, sample.length, sink)
        const expected = Buffer.from(sample.subarray(from)).toString('base64').replaceAll('=', '')
        expect(sink.view().toString()).toBe(expected)
      }),
      runs(500),
    )
  })
})
