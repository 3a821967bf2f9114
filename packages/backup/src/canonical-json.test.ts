import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson, type Json } from './canonical-json.ts'

it('is JSON of the same value, and the same for every order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = canonicalJson(value as Json)
      expect(canonicalJson(JSON.parse(text) as Json)).toBe(text)
    }),
  )
  expect(canonicalJson({ b: [1, { d: null, c: 'é"' }], a: true })).toBe(
    '{"a":true,"b":[1,{"c":"é\\"","d":null}]}',
  )
  expect(() => canonicalJson({ a: Number.NaN })).toThrow(TypeError)
})
