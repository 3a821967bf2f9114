import { createPublicKey, hash, verify } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePublicKey } from './keys.ts'
import { loadNative, loadWasm, secp256k1 } from './secp256k1.ts'
import { generateSigningKey, signBytes } from './signing.ts'

const native = await loadNative()
const wasm = await loadWasm()
const engines = native ? [native, wasm] : [wasm]

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const numberAt = (signature: Uint8Array, at: number): bigint =>
  BigInt(`0x${Buffer.from(signature.subarray(at, at + 32)).toString('hex')}`)

const bytesOf = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, '0'), 'hex')

/** What `node:crypto` says, with the rule on S. */
function nodeVerify(point: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(half =>
    Buffer.from(half).toString('base64url'),
  )
  const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'secp256k1', x: x!, y: y! } })
  if (numberAt(signature, 32) > order / 2n) return false
  return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

it('takes the native one where there is one', () => {
  expect(secp256k1.name).toBe(native ? 'native' : 'wasm')
  expect(engines.map(engine => engine.name)).toContain('wasm')
})

describe.each(engines)('libsecp256k1, $name', engine => {
  const signing = generateSigningKey('k256')
  const { point } = parsePublicKey(signing.multikey) as { point: Uint8Array }

  it('agrees with node:crypto on signatures, whole and bent', () => {
    const bend = fc.record({ at: fc.integer({ min: 0, max: 63 }), xor: fc.integer({ min: 0, max: 255 }) })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(bend, { maxLength: 2 }), (data, bends) => {
        const signature = signBytes(signing, data)
        for (const { at, xor } of bends) signature[at]! ^= xor
        const digest = hash('sha256', data, 'buffer')
        expect(engine.verify(signature, digest, point)).toBe(nodeVerify(point, data, signature))
      }),
      { numRuns: 200 },
    )
  })

  it('takes no S of the upper half, and no number from the order on', () => {
    const data = Buffer.from('data')
    const digest = hash('sha256', data, 'buffer')
    const signature = signBytes(signing, data)
    const [r, s] = [numberAt(signature, 0), numberAt(signature, 32)]
    const takes = (a: bigint, b: bigint): boolean =>
      engine.verify(Buffer.concat([bytesOf(a), bytesOf(b)]), digest, point)
    expect(takes(r, s)).toBe(true)
    expect(takes(r, order - s)).toBe(false)
    for (const [a, b] of [
      [0n, s],
      [r, 0n],
      [order, s],
      [r, order],
      [2n ** 256n - 1n, 2n ** 256n - 1n],
    ] as const) {
      expect(takes(a, b)).toBe(false)
    }
  })

  it('expands points of the curve and no others', () => {
    const compressed = Buffer.concat([Buffer.of(2 + (point[64]! & 1)), point.subarray(1, 33)])
    expect(Buffer.from(engine.expandPoint(compressed)).equals(point)).toBe(true)
    // There is no point with x = 5, nor one of another form.
    for (const wrong of [
      Buffer.concat([Buffer.of(2), bytesOf(5n)]),
      Buffer.alloc(33),
      Buffer.alloc(33, 0xff),
    ]) {
      expect(() => engine.expandPoint(wrong)).toThrow(/public key/i)
    }
  })
})
