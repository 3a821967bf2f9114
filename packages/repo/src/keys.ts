import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { toBase58, tryParseBase58 } from './base.ts'
import { compareBytes } from './bytes.ts'
import { RepoError } from './errors.ts'
import { secp256k1 } from './secp256k1.ts'

export type Curve = 'p256' | 'k256'

interface CurveFacts {
  /** The multicodec prefix of a compressed public key. */
  prefix: readonly [number, number]
  /** Half the group order: the largest S that atproto accepts. */
  halfOrder: Buffer
}

const curves: Record<Curve, CurveFacts> = {
  p256: {
    prefix: [0x80, 0x24],
    halfOrder: Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex'),
  },
  k256: {
    prefix: [0xe7, 0x01],
    halfOrder: Buffer.from('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0', 'hex'),
  },
}

/** What comes before the 33 bytes of a compressed point of P-256 in a SubjectPublicKeyInfo. */
const spkiPrefix = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex')

/** A public key ready to check signatures: parsing costs about as much as a check, so keep it. */
export type PublicKey =
  | { readonly curve: 'p256'; readonly key: KeyObject }
  /** The point of 65 bytes. */
  | { readonly curve: 'k256'; readonly point: Uint8Array }

/**
 * Reads a public key in Multikey form (`zQ3sh…`, `zDnae…`), with or without `did:key:` before it.
 *
 * @throws RepoError `key_unsupported`
 * @see https://atproto.com/specs/cryptography#public-key-encoding
 */
export function parsePublicKey(multikey: string): PublicKey {
  const text = multikey.startsWith('did:key:') ? multikey.slice(8) : multikey
  // Two bytes of prefix and 33 of key are 48 characters; no valid key is far from that.
  const bytes = text.startsWith('z') && text.length <= 64 ? tryParseBase58(text.slice(1)) : undefined
  const curve = (['k256', 'p256'] as const).find(
    name => bytes?.[0] === curves[name].prefix[0] && bytes[1] === curves[name].prefix[1],
  )
  if (!bytes || !curve || bytes.length !== 35) {
    throw new RepoError('key_unsupported', `key=${multikey.slice(0, 80)}`)
  }
  return publicKeyFromPoint(curve, bytes.subarray(2))
}

/**
 * A public key from its compressed point, 33 bytes.
 *
 * @throws RepoError `key_unsupported` where the point is not on the curve
 */
export function publicKeyFromPoint(curve: Curve, point: Uint8Array): PublicKey {
  try {
    if (point.length !== 33) throw new Error(`a point of ${point.length} bytes`)
    if (curve === 'k256') return { curve, point: secp256k1.expandPoint(point) }
    const der = Buffer.concat([spkiPrefix, point])
    return { curve, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
  } catch (error) {
    throw new RepoError('key_unsupported', 'not a point of the curve', { cause: error })
  }
}

/** The Multikey form of a compressed point. */
export function formatMultikey(curve: Curve, point: Uint8Array): string {
  return `z${toBase58(Buffer.concat([Buffer.from(curves[curve].prefix), point]))}`
}

/**
 * Whether `signature` (64 bytes, R and S) is the key's over the sha2-256 of `data`, with S in the lower half of the
 * group as atproto demands: without that rule anybody could make a second valid signature out of the first.
 *
 * @see https://atproto.com/specs/cryptography#ecdsa-signature-malleability
 */
export function verifySignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  if (key.curve === 'k256') return secp256k1.verify(signature, hash('sha256', data, 'buffer'), key.point)
  if (!isLowS(key.curve, signature)) return false
  return verify('sha256', data, { key: key.key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** Whether the S of a 64-byte signature is in the lower half. */
export function isLowS(curve: Curve, signature: Uint8Array): boolean {
  return compareBytes(signature.subarray(32), curves[curve].halfOrder) <= 0
}

/** The order of the curve's group: twice the half, and one. For making S low. */
export function groupOrder(curve: Curve): bigint {
  return BigInt(`0x${curves[curve].halfOrder.toString('hex')}`) * 2n + 1n
}
