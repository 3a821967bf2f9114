import { describe, expect, it } from 'vitest'
import { pack, sha256Of, unpack } from './chunk.ts'

describe('what is packed', () => {
  it.each([1, 52, 64, 5_000, 3_000_000])('comes back, with a limit of its %i bytes', async length => {
    const plain = Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7919) % 251))
    expect((await unpack(await pack(plain), sha256Of(plain), length, 'it')).equals(plain)).toBe(true)
  })

  it.each([52, 5_000, 3_000_000])('is refused a byte beyond its limit of %i', async length => {
    const plain = Buffer.alloc(length + 1, 'beyond')
    await expect(unpack(await pack(plain), sha256Of(plain), length, 'it')).rejects.toMatchObject({
      code: 'damaged',
    })
  })

  it('is refused under another name', async () => {
    const plain = Buffer.from('this')
    await expect(unpack(await pack(plain), sha256Of(Buffer.from('that')), 100, 'it')).rejects.toThrow(
      'not what its name says',
    )
  })
})
