import { encodeBase58, tryDecodeBase58 } from './base58.ts'

/** The multicodec prefix of a public key, as an unsigned varint, by the older name of its verification method. */
const legacyCodecs: Readonly<Record<string, readonly [number, number]>> = {
  EcdsaSecp256k1VerificationKey2019: [0xe7, 0x01],
  EcdsaSecp256r1VerificationKey2019: [0x80, 0x24],
}

/**
 * Answers the key of a verification method as a multikey: `z`, then base58btc of multicodec prefix and compressed
 * point, which is also what follows `did:key:`. A `Multikey` is handed on as it stands if it is base58btc at all, so
 * that a key of an unknown kind is refused by whoever verifies with it, for what it is. The two older forms, which hold
 * the bare point, are converted. Undefined for everything else.
 *
 * @see https://atproto.com/specs/cryptography#public-key-encoding
 */
export function tryMultikey(type: unknown, publicKeyMultibase: unknown): string | undefined {
  if (typeof type !== 'string' || typeof publicKeyMultibase !== 'string') return undefined
  if (!/^z[1-9A-HJ-NP-Za-km-z]{1,128}$/.test(publicKeyMultibase)) return undefined
  if (type === 'Multikey') return publicKeyMultibase
  if (!Object.hasOwn(legacyCodecs, type)) return undefined
  const point = compress(tryDecodeBase58(publicKeyMultibase.slice(1)))
  return point && `z${encodeBase58(Buffer.concat([Buffer.from(legacyCodecs[type]!), point]))}`
}

/** Both forms of SEC 1, section 2.3.3; whether the point is on the curve is for the verifier to find out. */
function compress(point: Uint8Array | undefined): Uint8Array | undefined {
  if (point?.length === 33 && (point[0] === 2 || point[0] === 3)) return point
  if (point?.length === 65 && point[0] === 4) {
    return Buffer.concat([Buffer.of(2 + (point[64]! & 1)), point.subarray(1, 33)])
  }
  return undefined
}
