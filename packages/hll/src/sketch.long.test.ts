import { expect, it } from 'vitest'
import { createHasher } from './hash.ts'
import { Sketch } from './sketch.ts'

it('ten million are counted within four standard errors', () => {
  const hasher = createHasher(new Uint8Array(16))
  const sketch = new Sketch()
  for (let i = 0; i < 10_000_000; i++) sketch.add(hasher(`did:plc:${i}`))
  expect(Math.abs(sketch.count() / 10_000_000 - 1)).toBeLessThan(0.0325)
  expect(Sketch.fromBytes(sketch.toBytes()).count()).toBe(sketch.count())
})
