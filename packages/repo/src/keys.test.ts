import { P256Keypair, Secp256k1Keypair } from '@atproto/crypto'
import { describe, expect, it } from 'vitest'
import { refusal } from '../test/refused.ts'
import { toBase58 } from './base.ts'
import {
  formatMultikey,
  groupOrder,
  isLowS,
  parsePublicKey,
  publicKeyFromPoint,
  verifySignature,
} from './keys.ts'
import { generateSigningKey, signBytes, signingKeyFromBytes } from './signing.ts'

const curves = ['k256', 'p256'] as const

describe.each(curves)('a key on %s', curve => {
  const pair = curve === 'k256' ? Secp256k1Keypair : P256Keypair

  it('is the same for the same secret, here and in @atproto/crypto', async () => {
    for (let i = 1; i <= 20; i++) {
      const secret = new Uint8Array(32).fill(i)
      const theirs = await pair.import(secret)
      const ours = signingKeyFromBytes(curve, secret)
      expect(`did:key:${ours.multikey}`).toBe(theirs.did())
      expect(formatMultikey(curve, theirs.publicKeyBytes())).toBe(ours.multikey)
    }
  })

  it('reads with did:key: before it and without', () => {
    const { multikey } = generateSigningKey(curve)
    for (const text of [multikey, `did:key:${multikey}`]) expect(parsePublicKey(text).curve).toBe(curve)
  })

  it('takes its own signatures over its own data, of 64 bytes', () => {
    const signing = generateSigningKey(curve)
    const key = parsePublicKey(signing.multikey)
    const data = Buffer.from('data')
    const signature = signBytes(signing, data)
    expect(signature).toHaveLength(64)
    expect(verifySignature(key, data, signature)).toBe(true)
    expect(verifySignature(key, Buffer.from('Data'), signature)).toBe(false)
    for (const wrong of [new Uint8Array(0), signature.subarray(1), Buffer.concat([signature, signature])]) {
      expect(verifySignature(key, data, wrong)).toBe(false)
    }
    for (let at = 0; at < 64; at++) {
      expect(verifySignature(key, data, signature.with(at, signature[at]! ^ 1))).toBe(false)
    }
  })

  it('takes no signature of zeros or of what is not below the order', () => {
    const key = parsePublicKey(generateSigningKey(curve).multikey)
    const data = Buffer.from('data')
    const order = Buffer.from(groupOrder(curve).toString(16), 'hex')
    for (const wrong of [
      Buffer.alloc(64),
      Buffer.alloc(64, 0xff),
      Buffer.concat([order, Buffer.alloc(32, 1)]),
    ]) {
      expect(verifySignature(key, data, wrong)).toBe(false)
    }
  })

  it('has its S in the lower half up to just the half of the order', () => {
    const half = groupOrder(curve) / 2n
    expect([isLowS(curve, withS(1n)), isLowS(curve, withS(half)), isLowS(curve, withS(half + 1n))]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('is no key off the curve', () => {
    const point = Buffer.alloc(33)
    point[0] = 2
    let refusals = 0
    for (let x = 1; x < 40; x++) {
      point[32] = x
      if (refusal(() => publicKeyFromPoint(curve, point)) === 'key_unsupported') refusals++
    }
    // About half of all numbers are an x of the curve.
    expect(refusals).toBeGreaterThan(5)
    expect(refusals).toBeLessThan(35)
  })
})

describe('no key', () => {
  const { multikey } = generateSigningKey('k256')
  it.each([
    ['nothing', ''],
    ['a prefix alone', 'did:key:'],
    ['another base', `m${multikey.slice(1)}`],
    ['without its base', multikey.slice(1)],
    ['a character less', multikey.slice(0, -1)],
    ['a character more', `${multikey}1`],
    ['a character that base58 has not', `${multikey.slice(0, -1)}0`],
    ['of Ed25519', `z${toBase58(Buffer.concat([Buffer.of(0xed, 1), Buffer.alloc(32, 7)]))}`],
    ['an uncompressed point', `z${toBase58(Buffer.concat([Buffer.of(0xe7, 1, 4), Buffer.alloc(64, 7)]))}`],
    [
      'a point with a wrong first byte',
      `z${toBase58(Buffer.concat([Buffer.of(0xe7, 1, 5), Buffer.alloc(32, 7)]))}`,
    ],
    ['another DID', `did:web:${multikey}`],
  ])('is %s', (_, text) => {
    expect(refusal(() => parsePublicKey(text))).toBe('key_unsupported')
  })
})

function withS(s: bigint): Uint8Array {
  return Buffer.concat([Buffer.alloc(32, 1), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
}
