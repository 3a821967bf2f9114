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
      for (const each of numbers) writer.ordered(each).varint(each).six(each)
      const reader = new ByteReader(writer.take())
      for (const each of numbers) {
        expect([reader.ordered(), reader.varint()]).toEqual([each, each])
        expect(Buffer.from(reader.take(6)).readUIntBE(0, 6)).toBe(each)
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

it('compares stretches as their bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 4, max: 2 })
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const writer = new ByteWriter().bytes(a).bytes(b)
      const order = writer.compare(0, a.length, a.length, a.length + b.length)
      expect(Math.sign(order)).toBe(Buffer.compare(a, b))
    }),
  )
})

it('puts ordered numbers in the order of their bytes', () => {
  const bytes = (value: number): Buffer => new ByteWriter().ordered(value).take()
  fc.assert(
    fc.property(number, number, (a, b) => {
      expect(Math.sign(Buffer.compare(bytes(a), bytes(b)))).toBe(Math.sign(a - b))
    }),
  )
})

it('grows', () => {
  const writer = new ByteWriter()
  for (let i = 0; i < 5_000; i++) writer.latin1('\u00ff').bytes(Uint8Array.of(1))
  expect(writer.length).toBe(10_000)
  expect(writer.takeText()).toBe('\u00ff\u0001'.repeat(5_000))
})
