import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'

const number = fc.oneof(
  fc.nat(300),
  fc.integer({ min: 1, max: 5 }).chain(n => fc.integer({ min: 2 ** (7 * n) - 2, max: 2 ** (7 * n) + 2 })),
  fc.nat({ max: 2 ** 31 }),
  fc.integer({ min: 0, max: 2 ** 42 - 1 }),
)

it('reads numbers as they were written', () => {
  fc.assert(
    fc.property(fc.array(number), numbers => {
      const writer = new ByteWriter()
      for (const each of numbers) writer.varint(each).six(each)
      const reader = new ByteReader(writer.take())
      for (const each of numbers) {
        expect([reader.varint(), reader.six()]).toEqual([each, each])
      }
      expect(reader.done).toBe(true)
    }),
  )
})

it('reads texts and numbers of four bytes as they were written', () => {
  const parts = fc.array(
    fc.record({ text: fc.string({ unit: 'binary' }), value: fc.nat({ max: 2 ** 32 - 1 }) }),
  )
  fc.assert(
    fc.property(parts, all => {
      const writer = new ByteWriter()
      for (const { text, value } of all)
        writer
          .utf8(text)
          .four(value)
          .byte(value % 256)
      const reader = new ByteReader(writer.take())
      for (const { text, value } of all)
        expect([reader.utf8(), reader.four(), reader.byte()]).toEqual([text, value, value % 256])
      expect(reader.done).toBe(true)
    }),
  )
})

it('grows', () => {
  const writer = new ByteWriter()
  for (let i = 0; i < 5_000; i++) writer.byte(255).bytes(Uint8Array.of(1))
  expect(writer.length).toBe(10_000)
  expect(writer.takeText()).toBe('\u00ff\u0001'.repeat(5_000))
})
