import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteSink, encodeCbor, RecordTranscoder } from '../src/index.ts'
import { bigintegers, safeIntegers, texts } from './arbitraries.ts'
import { hex } from './refused.ts'
import { runs } from './runs.ts'
import { slowJson } from './slow-json.ts'

/** Grows to just what was asked for, so that whoever asked for too little writes behind the end, where bytes are lost. */
class TightSink extends ByteSink {
  constructor() {
    super(0)
  }

  override reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return
    const grown = Buffer.alloc(this.length + bytes)
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }
}

/** An item in both forms. */
interface Item {
  cbor: Uint8Array
  json: string
}

function item(value: Parameters<typeof encodeCbor>[0]): Item {
  return { cbor: encodeCbor(value), json: slowJson(value) }
}

function float(value: number): Item {
  const cbor = Buffer.concat([hex('fb'), Buffer.alloc(8)])
  cbor.writeDoubleBE(value, 1)
  return { cbor, json: String(value) }
}

/** Leaves that grow: most JSON for the fewest bytes of CBOR of each kind. */
const leaves: fc.Arbitrary<Item> = fc.oneof(
  fc.constantFrom(item(false), item(true), item(null), item(''), item(new Uint8Array(0)), item([]), item({})),
  fc.constantFrom(item('\0'), item('\0'.repeat(23)), item('\0'.repeat(24)), item('\u2028'), item('<>&"\\\n')),
  fc.constantFrom(item(-24), item(-256), item(-65_536), item(-(2 ** 32)), item(-(2n ** 63n)), item(-1)),
  fc.constantFrom(float(1), float(-(2 ** 53 - 1)), float(0)),
  fc.string({ unit: fc.constantFrom('\0', '\u001f', '<', '\u2029') }).map(item),
  fc.uint8Array({ maxLength: 5 }).map(item),
  fc.oneof<fc.Arbitrary<number | bigint | string>[]>(safeIntegers, bigintegers, texts).map(item),
)

function head(major: number, count: number): Uint8Array {
  if (count < 24) return Uint8Array.of((major << 5) | count)
  return count < 256
    ? Uint8Array.of((major << 5) | 24, count)
    : Uint8Array.of((major << 5) | 25, count >>> 8, count & 255)
}

function array(items: readonly Item[]): Item {
  return {
    cbor: Buffer.concat([head(4, items.length), ...items.map(({ cbor }) => cbor)]),
    json: `[${items.map(({ json }) => json).join(',')}]`,
  }
}

/** A map whose keys are as short as can be: none, or control characters, which are six times as long in JSON. */
function map(items: readonly Item[]): Item {
  const keys = ['', ...Array.from({ length: 31 }, (_, i) => String.fromCharCode(i))].slice(0, items.length)
  return {
    cbor: Buffer.concat([
      head(5, keys.length),
      ...keys.flatMap((key, i) => [encodeCbor(key), items[i]!.cbor]),
    ]),
    json: `{${keys.map((key, i) => `${slowJson(key)}:${items[i]!.json}`).join(',')}}`,
  }
}

const { node } = fc.letrec<{ node: Item }>(tie => ({
  node: fc.oneof(
    { maxDepth: 3 },
    leaves,
    // The same leaf again and again is what grows the most.
    fc
      .tuple(leaves, fc.integer({ min: 1, max: 300 }))
      .map(([leaf, count]) => array(Array.from({ length: count }, () => leaf))),
    fc.array(tie('node'), { maxLength: 4 }).map(array),
    fc.array(tie('node'), { maxLength: 4 }).map(map),
  ),
}))

const transcoder = new RecordTranscoder()

it('no record overruns what was reserved for it', () => {
  fc.assert(
    fc.property(fc.array(node, { maxLength: 6 }), nodes => {
      const { cbor, json } = map(nodes)
      const sink = new TightSink()
      transcoder.write(cbor, 0, cbor.length, sink)
      expect(sink.length).toBeLessThanOrEqual(sink.buffer.length)
      expect(sink.view().toString()).toBe(json)
    }),
    runs(400),
  )
})

it.each([
  ['false', item(false)],
  ['empty byte strings', item(new Uint8Array(0))],
  ['byte strings of one byte', item(new Uint8Array(1))],
  ['control characters', item('\0'.repeat(23))],
  ['empty maps', item({})],
  ['maps of an empty key', map([item(false)])],
  ['the lowest integer', item(-(2n ** 63n))],
  ['whole floats', float(-(2 ** 53 - 1))],
])('3,000 times %s fit', (_, leaf) => {
  const { cbor, json } = map([array(Array.from({ length: 3000 }, () => leaf))])
  const sink = new TightSink()
  transcoder.write(cbor, 0, cbor.length, sink)
  expect(sink.view().toString()).toBe(json)
})
