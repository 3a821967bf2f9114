import { generateKeyPairSync } from 'node:crypto'

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { encodeBase58, tryDecodeBase58 } from './base58.ts'
import { tryMultikey } from './signing-key.ts'

describe('base58', () => {
  // From draft-msporny-base58-03, section 5.
  it.each([
    ['48656c6c6f20576f726c6421', '2NEpo7TZRRrLZSi2U'],
    ['0000287fb4cd', '11233QC4'],
    ['', ''],
    ['00', '1'],
  ])('%s is %s', (hex, text) => {
    expect(encodeBase58(Buffer.from(hex, 'hex'))).toBe(text)
    expect(Buffer.from(tryDecodeBase58(text)!).toString('hex')).toBe(hex)
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), bytes => {
        expect(new Uint8Array(tryDecodeBase58(encodeBase58(bytes))!)).toEqual(bytes)
      }),
    )
  })

  it('refuses other characters, and long texts', () => {
    for (const text of ['0', 'O', 'I', 'l', 'a b', 'ä', '1'.repeat(129)])
      expect(tryDecodeBase58(text)).toBeUndefined()
  })
})

describe('tryMultikey', () => {
  it('hands on a Multikey as it stands', () => {
    const key = 'zQ3shPkJyX6ZanqXmNb2q7rqc2enkEGLdDUpvomMCQo91uhEk'
    expect(tryMultikey('Multikey', key)).toBe(key)
  })

  it.each([
    ['EcdsaSecp256k1VerificationKey2019', 'secp256k1', 'zQ3sh'],
    ['EcdsaSecp256r1VerificationKey2019', 'prime256v1', 'zDn'],
  ])('converts %s, from both forms of a point', (type, namedCurve, prefix) => {
    for (let i = 0; i < 20; i++) {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve })
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
      const [left, right] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]
      const compressed = Buffer.concat([Buffer.of((right.at(-1)! & 1) === 1 ? 3 : 2), left])
      const converted = tryMultikey(type, `z${encodeBase58(compressed)}`)
      expect(converted?.startsWith(prefix)).toBe(true)
      expect(Buffer.from(tryDecodeBase58(converted!.slice(1))!).subarray(2)).toEqual(compressed)
      const whole = Buffer.concat([Buffer.of(4), left, right])
      expect(tryMultikey(type, `z${encodeBase58(whole)}`)).toBe(converted)
    }
  })

  it.each([
    ['Multikey', 'uAbc'],
    ['Multikey', 'z'],
    ['Multikey', 'z0OIl'],
    ['Multikey', `z${'a'.repeat(200)}`],
    ['Multikey', 7],
    ['Multikey', undefined],
    ['EcdsaSecp256k1VerificationKey2019', 'zabc'],
    ['EcdsaSecp256k1VerificationKey2019', `z${encodeBase58(Buffer.alloc(33, 5))}`],
    ['EcdsaSecp256k1VerificationKey2019', `z${encodeBase58(Buffer.alloc(65, 2))}`],
    ['Ed25519VerificationKey2020', 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'],
    ['constructor', 'zabc'],
    [undefined, 'zabc'],
  ])('makes nothing of %s %s', (type, key) => expect(tryMultikey(type, key)).toBeUndefined())
})
