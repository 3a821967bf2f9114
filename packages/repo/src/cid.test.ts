import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { cids } from '../test/arbitraries.ts'
import { refusal } from '../test/refused.ts'
import {
  cidFromBytes,
  cidOf,
  cidTextAt,
  codecs,
  isDigestAt,
  parseCid,
  sha256,
  tryParseCid,
  writeCid,
} from './cid.ts'

describe('a CID', () => {
  it('reads and writes as in multiformats', () => {
    fc.assert(
      fc.property(cids, cid => {
        const theirs = CID.decode(cid.bytes)
        expect(cid.toString()).toBe(theirs.toString())
        expect(cid.codec).toBe(theirs.code)
        expect(Buffer.compare(cid.digest, theirs.multihash.digest)).toBe(0)
        expect(parseCid(theirs.toString()).equals(cid)).toBe(true)
        expect(cidFromBytes(theirs.bytes).equals(cid)).toBe(true)
        expect(JSON.stringify(cid)).toBe(`{"$link":"${theirs}"}`)
      }),
    )
  })

  it('is written out of the middle of bytes', () => {
    fc.assert(
      fc.property(cids, fc.nat(5), (cid, at) => {
        const bytes = Buffer.concat([new Uint8Array(at), cid.bytes, new Uint8Array(3)])
        expect(cidTextAt(bytes, at)).toBe(cid.toString())
        const out = Buffer.alloc(70, '.')
        expect(writeCid(bytes, at, out, 4)).toBe(63)
        expect(out.toString()).toBe(`....${cid}${'.'.repeat(7)}`)
      }),
    )
  })

  it('differs by its codec', () => {
    const block = Uint8Array.of(0xa0)
    expect(cidOf(block).toString()).toBe('bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua')
    expect(cidOf(block, codecs.raw).equals(cidOf(block))).toBe(false)
    expect(cidOf(block, codecs.raw).toString()).toMatch(/^bafkrei/)
  })

  const text = cidOf(Uint8Array.of(0xa0)).toString()
  it.each([
    ['nothing', ''],
    ['upper case', text.toUpperCase()],
    ['a character less', text.slice(0, -1)],
    ['a character more', `${text}a`],
    ['another base', `z${text.slice(1)}`],
    ['a character that base32 has not', `${text.slice(0, -2)}1a`],
    // 36 bytes are 288 bits, 58 digits 290: the last two must be zero.
    ['bits behind the last byte', `${text.slice(0, -1)}b`],
    ['dag-pb', 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'],
    ['version 0', 'QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR'],
  ])('is not %s', (_, wrong) => {
    expect(tryParseCid(wrong)).toBeUndefined()
    expect(refusal(() => parseCid(wrong))).toBe('cid_invalid')
  })

  it('has the hash that OpenSSL streams, and takes no other for it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), fc.nat(5), (block, at) => {
        const digest = createHash('sha256').update(block).digest()
        expect(Buffer.compare(cidOf(block).digest, digest)).toBe(0)
        expect(Buffer.compare(sha256(block), digest)).toBe(0)
        const bytes = Buffer.concat([new Uint8Array(at), digest])
        expect(isDigestAt(block, bytes, at)).toBe(true)
        for (let i = 0; i < 32; i++) {
          bytes[at + i]! ^= 1
          expect(isDigestAt(block, bytes, at)).toBe(false)
          bytes[at + i]! ^= 1
        }
      }),
    )
  })

  it('is just 36 bytes, of one kind', () => {
    const { bytes } = cidOf(Uint8Array.of(0xa0))
    expect(refusal(() => cidFromBytes(bytes.subarray(0, 35)))).toBe('cid_invalid')
    expect(refusal(() => cidFromBytes(Buffer.concat([bytes, bytes])))).toBe('cid_invalid')
    for (const at of [0, 1, 2, 3]) {
      expect(refusal(() => cidFromBytes(bytes.with(at, 0x70)))).toBe('cid_invalid')
    }
  })
})
