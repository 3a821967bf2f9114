import { expect, it } from 'vitest'
import { createHasher, createSecret, hash64 } from './hash.ts'
import { rankOf, registerOf } from './registers.ts'

const zeros = new Uint8Array(16)
const rising = Uint8Array.from({ length: 16 }, (_, i) => i)
const did = 'did:plc:hdhoaan3xa3jiuq4fg4mefid'

it.each([
  [zeros, did, 0xe155479295d46d24n, 11_556, 2],
  [zeros, 'did:web:example.com', 0x8f29be3560da4bf8n, 3_064, 2],
  [rising, did, 0x518f8186999336d6n, 14_038, 1],
])('hashes, registers and ranks are those of other implementations', (secret, name, hash, register, rank) => {
  expect(hash64(secret, name)).toBe(hash)
  const element = createHasher(secret)(name)
  expect(BigInt(element)).toBe(hash & (2n ** 52n - 1n))
  expect([registerOf(element), rankOf(element)]).toEqual([register, rank])
})

it('takes names of any length and any letters, the same each time', () => {
  const hasher = createHasher(rising)
  for (const name of ['', 'é😀', 'x'.repeat(100), 'é'.repeat(10_000), 'did:plc:a', '\ud800']) {
    expect(BigInt(hasher(name))).toBe(hash64(rising, name) & (2n ** 52n - 1n))
    expect(hasher(name)).toBe(createHasher(rising)(name))
  }
})

it('has another secret each time, of the right length', () => {
  expect(createSecret()).toHaveLength(16)
  expect(createSecret()).not.toEqual(createSecret())
  expect(() => createHasher(new Uint8Array(15))).toThrow('16 bytes')
})

it('ranks are the ones at the low end, to the last bit', () => {
  for (let ones = 0; ones <= 38; ones++) {
    expect(rankOf((2 ** ones - 1) * 16_384 + 77)).toBe(ones + 1)
  }
  for (let ones = 0; ones < 37; ones++) {
    expect(rankOf((2 ** ones - 1 + 2 ** 37) * 16_384)).toBe(ones + 1)
  }
})
