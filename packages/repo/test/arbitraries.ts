import * as fc from 'fast-check'
import { type CborValue, Cid, cidOf, codecs } from '../src/index.ts'

/** A CID of either codec; its digest is not of anything. */
export const cids: fc.Arbitrary<Cid> = fc
  .tuple(fc.constantFrom(codecs.dagCbor, codecs.raw), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([codec, digest]) => {
    const bytes = cidOf(digest, codec).bytes
    bytes.set(digest, 4)
    return new Cid(bytes)
  })

/** Characters that some step treats in its own way: JSON, HTML, line ends, a BOM, widths of UTF-8, the ends of planes. */
const oddities = Array.from(
  '"\\<>&/\b\f\n\r\t\0\u001f\u007f\u0080\u07ff\u0800\u2027\u2028\u2029\u202a\ufeff\ufffd\uffff𐀀\u{10ffff}',
)

/** Text without lone surrogates, short and long enough for every width of head. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 24 }) },
  { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(...oddities), maxLength: 12 }) },
  { weight: 4, arbitrary: fc.string({ maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom('a', 'é', '\n'), minLength: 250, maxLength: 300 }),
  },
)

/** Keys that objects, sorting or the wire treat in their own way among those that nothing does. */
export const keys: fc.Arbitrary<string> = fc.oneof(
  texts,
  fc.constantFrom('', '0', '1', '10', '9', 'a', 'aa', 'ab', 'b', 'ä', '\uffff', '\u{10000}'),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'toJSON', 'length', 'asCID', '/'),
  fc.constantFrom('$type', 'ref', 'size', 'mimeType', 'cid'),
)

/** Whole numbers around every width of head. */
export const safeIntegers: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc
    .tuple(
      fc.constantFrom(0, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, 2 ** 53 - 2),
      fc.constantFrom(-1, 0, 1),
      fc.boolean(),
    )
    .map(([edge, by, negative]) => (negative && edge + by !== 0 ? -(edge + by) : edge + by)),
)

/** Whole numbers beyond what a JavaScript number holds, up to 64 bits with a sign. */
export const bigintegers: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.constantFrom(2n ** 53n, 2n ** 63n - 1n, -(2n ** 53n), -(2n ** 63n)),
)

export interface ValueOptions {
  keys?: fc.Arbitrary<string>
  /** More kinds of leaves. */
  leaves?: fc.Arbitrary<CborValue>[]
}

/** Any value of the data model, blobs well represented, and a record, which is a map. */
export function values(options: ValueOptions = {}): {
  value: fc.Arbitrary<CborValue>
  record: fc.Arbitrary<CborValue>
} {
  const names = options.keys ?? keys
  const { value, record } = fc.letrec<{ value: CborValue; record: CborValue }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      safeIntegers,
      texts,
      fc.constantFrom(null, true, false),
      fc.uint8Array({ maxLength: 40 }),
      cids,
      ...(options.leaves ?? []),
      blobs(fc.oneof(cids, tie('value'))),
      fc.array(tie('value'), { maxLength: 6 }),
      tie('record'),
    ),
    record: fc
      .uniqueArray(fc.tuple(names, tie('value')), { selector: ([key]) => key, maxLength: 8 })
      .map(objectOf),
  }))
  return { value, record }
}

/** Blobs and what is nearly one: a field more or less, another `$type`. */
function blobs(refs: fc.Arbitrary<CborValue>): fc.Arbitrary<CborValue> {
  return fc
    .record({
      $type: fc.constantFrom('blob', 'blobs', 1),
      ref: refs,
      mimeType: fc.constantFrom('image/jpeg', '*/*'),
      size: fc.nat(),
      extra: fc.constantFrom(undefined, undefined, undefined, 'more', null),
    })
    .map(({ extra, ...blob }) => (extra === undefined ? blob : Object.assign(blob, { [extra ?? 'cid']: 1 })))
}

/** An object with just these keys, `__proto__` among them if it is. */
export function objectOf(entries: readonly (readonly [string, CborValue])[]): { [key: string]: CborValue } {
  const object: { [key: string]: CborValue } = {}
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}
