import { describe, expect, it } from 'vitest'
import { refusal } from '../test/refused.ts'
import { encodeCbor } from './cbor/encode.ts'
import { maxDepth } from './cbor/reader.ts'
import { cidOf } from './cid.ts'
import { valueFromJson, valueToJson } from './json-model.ts'

const cid = cidOf(encodeCbor({}))

describe('valueFromJson', () => {
  it.each([
    ['AQI', [1, 2]],
    ['AQI=', [1, 2]],
    ['', []],
    ['AQID', [1, 2, 3]],
  ])('takes the bytes %j, padded or not', (text, bytes) => {
    expect(Array.from(valueFromJson({ $bytes: text }) as Uint8Array)).toEqual(bytes)
  })

  it.each([
    { $bytes: 'A' },
    { $bytes: 'AQI===' },
    { $bytes: 'A=QI' },
    { $bytes: 'AQ-_' },
    { $bytes: 'AQ I' },
    { $bytes: null },
    { $bytes: 'AQI', $link: `${cid}` },
    { $link: `${cid}`.toUpperCase() },
    { $link: cid.bytes },
    { $type: 'blob', ref: `${cid}`, mimeType: '*/*', size: 1 },
    { $type: 'blob', ref: null, mimeType: '*/*', size: 1 },
    { $type: 'blob', ref: { $link: `${cid}` }, mimeType: '*/*', size: -1 },
    { $type: 'blob', ref: { $link: `${cid}` }, size: 1 },
    1.5,
    2 ** 53,
    Number.NaN,
    undefined,
    [undefined],
    Symbol('x'),
    1n,
  ])('refuses %o', json => {
    expect(refusal(() => valueFromJson(json))).toBe('json_invalid')
  })

  it('keeps __proto__ as a key', () => {
    const value = valueFromJson(JSON.parse('{"__proto__":{"a":1}}'))
    expect(JSON.stringify(valueToJson(value))).toBe('{"__proto__":{"a":1}}')
    expect((value as { a?: number }).a).toBeUndefined()
  })

  it('goes as deep as the encoder does, and not deeper', () => {
    for (const leaf of [1, { $link: `${cid}` }, { $bytes: '' }]) {
      expect(refusal(() => encodeCbor(valueFromJson(nest(maxDepth, leaf))))).toBeUndefined()
    }
    expect(refusal(() => valueFromJson(nest(maxDepth + 1, 1)))).toBe('json_invalid')
    expect(refusal(() => valueFromJson(nest(20_000, 1)))).toBe('json_invalid')
  })
})

describe('encodeCbor refuses', () => {
  const circle: unknown[] = []
  circle.push(circle)
  it.each([
    ['half of a surrogate pair', '\ud800', 'cbor_bad_utf8'],
    ['half of a surrogate pair in a key', { '\udc00': 1 }, 'cbor_bad_utf8'],
    ['not a number', Number.NaN, 'cbor_bad_float'],
    ['infinity', Number.POSITIVE_INFINITY, 'cbor_bad_float'],
    ['a whole number that is not exact', 2 ** 53, 'cbor_bad_int'],
    ['2^63', 2n ** 63n, 'cbor_bad_int'],
    ['-2^63 - 1', -(2n ** 63n) - 1n, 'cbor_bad_int'],
    ['undefined in a list', [undefined], 'cbor_bad_value'],
    ['a function', () => undefined, 'cbor_bad_value'],
    ['a circle', circle, 'cbor_too_deep'],
  ])('%s', (_, value, code) => {
    expect(refusal(() => encodeCbor(value as Parameters<typeof encodeCbor>[0]))).toBe(code)
  })

  it('and leaves out what is undefined in a map', () => {
    const value = { a: 1, b: undefined } as unknown as { a: number }
    expect(encodeCbor(value)).toEqual(encodeCbor({ a: 1 }))
  })
})

function nest(levels: number, innermost: unknown): unknown {
  let json = innermost
  for (let i = 0; i < levels; i++) json = i % 2 ? [json] : { a: json }
  return json
}
