import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Curve, formatMultikey, groupOrder, isLowS } from './keys.ts'

/** A key pair for making repositories: what a PDS holds, and what test networks need. */
export interface SigningKey {
  readonly curve: Curve
  /** The public half in Multikey form, `z…`. */
  readonly multikey: string
  readonly privateKey: KeyObject
}

const nodeNames = { p256: 'prime256v1', k256: 'secp256k1' } as const

/** Makes a fresh key pair. */
export function generateSigningKey(curve: Curve = 'k256'): SigningKey {
  return fromPrivateKey(curve, generateKeyPairSync('ec', { namedCurve: nodeNames[curve] }).privateKey)
}

/** A key pair from its 32 secret bytes, so that a seeded network has the same keys each time. */
export function signingKeyFromBytes(curve: Curve, secret: Uint8Array): SigningKey {
  // RFC 5915: version 1, the secret, and the curve's name; the public point is computed from them.
  const oid = curve === 'p256' ? '06082a8648ce3d030107' : '06052b8104000a'
  const body = `0201010420${Buffer.from(secret).toString('hex')}a0${hexLength(oid)}${oid}`
  const der = Buffer.from(`30${hexLength(body)}${body}`, 'hex')
  return fromPrivateKey(curve, createPrivateKey({ key: der, format: 'der', type: 'sec1' }))
}

/** Signs the sha2-256 of `data`: 64 bytes, R and S, S in the lower half. */
export function signBytes(key: SigningKey, data: Uint8Array): Uint8Array {
  const signature = sign('sha256', data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
  if (isLowS(key.curve, signature)) return new Uint8Array(signature)
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const low = (groupOrder(key.curve) - s).toString(16).padStart(64, '0')
  return new Uint8Array(Buffer.concat([signature.subarray(0, 32), Buffer.from(low, 'hex')]))
}

function fromPrivateKey(curve: Curve, privateKey: KeyObject): SigningKey {
  const { x, y } = privateKey.export({ format: 'jwk' })
  const yBytes = Buffer.from(y!, 'base64url')
  const parity = (yBytes[yBytes.length - 1]! & 1) === 1 ? 3 : 2
  const point = Buffer.concat([Buffer.of(parity), Buffer.from(x!, 'base64url')])
  return { curve, multikey: formatMultikey(curve, point), privateKey }
}

function hexLength(hex: string): string {
  return (hex.length / 2).toString(16).padStart(2, '0')
}
