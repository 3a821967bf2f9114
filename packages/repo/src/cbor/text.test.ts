import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { texts } from '../../test/arbitraries.ts'
import { refusal } from '../../test/refused.ts'
import { runs } from '../../test/runs.ts'
import { slowJson } from '../../test/slow-json.ts'
import { scanText, textAt, textKinds, writeEscaped } from './text.ts'

function escaped(text: string): string {
  const bytes = Buffer.from(text)
  const out = Buffer.alloc(bytes.length * 6)
  return out.toString('utf8', 0, writeEscaped(bytes, 0, bytes.length, out, 0))
}

describe('UTF-8', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  function isUtf8(bytes: Uint8Array): boolean {
    try {
      decoder.decode(bytes)
      return true
    } catch {
      return false
    }
  }

  // The bytes at the edges of every rule, in any order, and whole texts with one of them somewhere.
  const edges = fc.constantFrom(0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf)
  const heads = fc.constantFrom(0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff)
  const near = fc.array(fc.oneof(edges, heads), { maxLength: 6 }).map(list => Uint8Array.from(list))
  const broken = fc.tuple(texts, fc.nat(), fc.oneof(edges, heads)).map(([text, at, byte]) => {
    const bytes = Uint8Array.from(Buffer.from(text))
    return bytes.length > 0 ? bytes.with(at % bytes.length, byte) : bytes
  })

  it('is what the platform takes for it', () => {
    fc.assert(
      fc.property(fc.oneof(near, broken, fc.uint8Array({ maxLength: 6 })), bytes => {
        const code = refusal(() => scanText(bytes, 0, bytes.length))
        expect(code).toBe(isUtf8(bytes) ? undefined : 'cbor_bad_utf8')
      }),
      runs(10_000),
    )
  })

  it('becomes the string that it stands for, of any length, wherever in the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(texts, fc.string({ minLength: 13, maxLength: 13 })), fc.nat(3), (text, before) => {
        const bytes = Buffer.concat([new Uint8Array(before), Buffer.from(text), Buffer.of(0xc3)])
        expect(textAt(bytes, before, bytes.length - 1)).toBe(text)
        expect(textAt(new Uint8Array(bytes), before, bytes.length - 1)).toBe(text)
      }),
      runs(1000),
    )
    fc.assert(
      fc.property(fc.oneof(near, broken), bytes => {
        const code = refusal(() => textAt(bytes, 0, bytes.length))
        expect(code).toBe(isUtf8(bytes) ? undefined : 'cbor_bad_utf8')
      }),
      runs(2000),
    )
  })

  it('does not look beyond its end', () => {
    const bytes = Buffer.from('é')
    expect(refusal(() => scanText(bytes, 0, 1))).toBe('cbor_bad_utf8')
    expect(refusal(() => scanText(Buffer.from([0x61, 0x80]), 0, 1))).toBeUndefined()
  })
})

describe('JSON escapes', () => {
  it('are those of the slow reference, and looked for only where they are', () => {
    fc.assert(
      fc.property(texts, text => {
        const bytes = Buffer.from(text)
        expect(`"${escaped(text)}"`).toBe(slowJson(text))
        const kind = scanText(bytes, 0, bytes.length)
        expect(kind).toBe(escaped(text) === text ? textKinds.plain : textKinds.needsEscape)
      }),
      runs(2000),
    )
  })

  it.each([
    ['"', '\\"'],
    ['\\', '\\\\'],
    ['/', '/'],
    ['\b\f\n\r\t', '\\u0008\\u000c\\n\\r\\t'],
    ['\0\u001f', '\\u0000\\u001f'],
    ['\u007f\u0080', '\u007f\u0080'],
    ['<a href="&">', '\\u003ca href=\\"\\u0026\\"\\u003e'],
    ['\u2027\u2028\u2029\u202a', '\u2027\\u2028\\u2029\u202a'],
    ['é😀', 'é😀'],
  ])('of %j', (text, json) => {
    expect(escaped(text)).toBe(json)
  })
})
