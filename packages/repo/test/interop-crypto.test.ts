import { describe, expect, it } from 'vitest'
import { tryParseBase58 } from '../src/base.ts'
import { parsePublicKey, signBytes, signingKeyFromBytes, verifySignature } from '../src/index.ts'
import { interopJson, hasSharedData, whySkipped } from './shared-data.ts'

interface SignatureFixture {
  comment: string
  messageBase64: string
  publicKeyDid: string
  signatureBase64: string
  validSignature: boolean
}

describe.skipIf(!hasSharedData)(`interop: crypto${whySkipped}`, () => {
  const fixtures = interopJson('crypto/signature-fixtures.json') as SignatureFixture[]
  it.each(fixtures)('$comment', fixture => {
    const key = parsePublicKey(fixture.publicKeyDid)
    const message = Buffer.from(fixture.messageBase64, 'base64')
    const signature = Buffer.from(fixture.signatureBase64, 'base64')
    expect(verifySignature(key, message, signature)).toBe(fixture.validSignature)
    expect(verifySignature(key, Buffer.concat([message, Buffer.of(0)]), signature)).toBe(false)
  })

  const k256 = interopJson('crypto/w3c_didkey_K256.json') as {
    privateKeyBytesHex: string
    publicDidKey: string
  }[]
  const p256 = interopJson('crypto/w3c_didkey_P256.json') as {
    privateKeyBytesBase58: string
    publicDidKey: string
  }[]
  const vectors = [
    ...k256.map(v => ['k256', v.publicDidKey, Buffer.from(v.privateKeyBytesHex, 'hex')] as const),
    ...p256.map(v => ['p256', v.publicDidKey, tryParseBase58(v.privateKeyBytesBase58)!] as const),
  ]
  it.each(vectors)('%s %s belongs to its secret', (curve, did, secret) => {
    const key = signingKeyFromBytes(curve, secret)
    expect(`did:key:${key.multikey}`).toBe(did)
    expect(parsePublicKey(did).curve).toBe(curve)

    const data = Buffer.from('data')
    expect(verifySignature(parsePublicKey(did), data, signBytes(key, data))).toBe(true)
  })

  it('has cases', () => {
    expect([fixtures.length, vectors.length]).toEqual([6, 6])
  })
})
