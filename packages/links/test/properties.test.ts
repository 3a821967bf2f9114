import { ByteSink, decodeCbor, encodeCbor, RecordTranscoder, RepoError, valueToJson } from '@orrery/repo'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../repo/test/runs.ts'
import { type Extraction, LinkExtractor, parseTarget } from '../src/index.ts'
import { records, texts } from './arbitraries.ts'
import { jsonText } from './json-text.ts'
import { naiveLinks } from './naive-links.ts'
import { naiveTarget } from './naive-target.ts'

const extractor = new LinkExtractor()
const transcoder = new RecordTranscoder()

function transcoded(cbor: Uint8Array): Uint8Array {
  const sink = new ByteSink(1)
  transcoder.write(cbor, 0, cbor.length, sink)
  return sink.view()
}

/** What `fromJson` promises, by the platform's own parser. */
function parsed(bytes: Uint8Array): Extraction | undefined {
  try {
    return extractor.fromValue(JSON.parse(Buffer.from(bytes).toString()))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** What `fromCbor` promises, by way of objects. */
function decoded(bytes: Uint8Array): Extraction | undefined {
  try {
    return extractor.fromValue(valueToJson(decodeCbor(bytes)))
  } catch (error) {
    if (error instanceof RepoError) return undefined
    throw error
  }
}

describe('targets', () => {
  it('are what the grammar says', () => {
    fc.assert(
      fc.property(texts, text => {
        expect(parseTarget(text)).toEqual(naiveTarget(text))
      }),
      runs(20_000),
    )
  })

  it('normalised again are what they were', () => {
    fc.assert(
      fc.property(texts, text => {
        const target = parseTarget(text)?.target
        expect(target === undefined ? undefined : parseTarget(target)?.target).toBe(target)
      }),
      runs(20_000),
    )
  })

  it('come of links, near links and other text alike', () => {
    const kinds = fc.sample(texts, { numRuns: 2000, seed: 1 }).map(text => parseTarget(text)?.kind ?? 'none')
    for (const kind of ['at-uri', 'did', 'uri', 'none']) {
      expect(kinds.filter(each => each === kind).length).toBeGreaterThan(100)
    }
  })
})

describe('a record has the same links in the same order', () => {
  it('as a value, in JSON, in DAG-CBOR and by the plain rules', () => {
    fc.assert(
      fc.property(records, record => {
        const cbor = encodeCbor(record)
        const expected = { links: naiveLinks(valueToJson(record)), tooMany: 0, tooLong: 0, tooDeep: 0 }
        expect(extractor.fromValue(valueToJson(record))).toEqual(expected)
        expect(extractor.fromCbor(cbor)).toEqual(expected)
        expect(extractor.fromJson(transcoded(cbor))).toEqual(expected)
      }),
      runs(4000),
    )
  })

  it('however little of it is kept', () => {
    fc.assert(
      fc.property(
        records,
        fc.nat({ max: 3 }),
        fc.integer({ min: 3, max: 20 }),
        (record, maxLinks, longest) => {
          const few = new LinkExtractor({ maxLinks, maxTargetLength: longest, maxPathLength: longest })
          const all = naiveLinks(valueToJson(record))
          const short = all.filter(({ path, target }) => target.length <= longest && path.length <= longest)
          const expected = {
            links: short.slice(0, maxLinks),
            tooMany: Math.max(0, short.length - maxLinks),
            tooLong: all.length - short.length,
            tooDeep: 0,
          }
          const cbor = encodeCbor(record)
          expect(few.fromValue(valueToJson(record))).toEqual(expected)
          expect(few.fromCbor(cbor)).toEqual(expected)
          expect(few.fromJson(transcoded(cbor))).toEqual(expected)
        },
      ),
      runs(2000),
    )
  })

  it('and the records that this tries have links, several at once, and in arrays', () => {
    const found = fc
      .sample(records, { numRuns: 1000, seed: 1 })
      .map(record => naiveLinks(valueToJson(record)))
    expect(found.filter(links => links.length > 1).length).toBeGreaterThan(200)
    expect(found.filter(links => links.some(({ path }) => /\[.+\]/.test(path))).length).toBeGreaterThan(50)
  })
})

describe('JSON as anybody may write it', () => {
  const keys = fc.oneof(
    fc.constantFrom('$type', 'a', 'b', 'c', '', '1', '0', '__proto__', 'é', '\u0001', '🦋', '!'),
    // Once Node's parser has seen the key `\`, it takes other escaped ones for it (docs/gotchas.md).
    texts.filter(text => text !== '\\'),
  )
  const json = jsonText(texts, keys)

  it('has the links of what JSON.parse makes of it, or none where it makes nothing', () => {
    fc.assert(
      fc.property(json, text => {
        const bytes = Buffer.from(text)
        expect(extractor.fromJson(bytes)).toEqual(parsed(bytes))
      }),
      runs(10_000),
    )
  })

  it('damaged', () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.nat({ max: 255 }), (text, at, byte) => {
        const bytes = Buffer.from(text)
        bytes[at % bytes.length] = byte
        expect(extractor.fromJson(bytes)).toEqual(parsed(bytes))
      }),
      runs(5000),
    )
  })

  it('is valid most of the time, and often not', () => {
    const answers = fc.sample(json, { numRuns: 2000, seed: 1 }).map(text => parsed(Buffer.from(text)))
    const valid = answers.filter(answer => answer !== undefined)
    expect(valid.length).toBeGreaterThan(1000)
    expect(valid.length).toBeLessThan(1950)
    expect(valid.filter(({ links }) => links.length > 0).length).toBeGreaterThan(300)
  })
})

describe('whatever comes', () => {
  it('as DAG-CBOR, damaged or not, has the links of what decoding makes of it, or none where it makes nothing', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat({ max: 255 }), (record, at, byte) => {
        const bytes = encodeCbor(record)
        bytes[at % bytes.length] = byte
        expect(extractor.fromCbor(bytes)).toEqual(decoded(bytes))
      }),
      runs(3000),
    )
  })

  it('as bytes is a record or is not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), bytes => {
        expect(extractor.fromJson(bytes)).toEqual(parsed(bytes))
        expect(extractor.fromCbor(bytes)).toEqual(decoded(bytes))
      }),
      runs(5000),
    )
  })

  it('as a value or a text does not throw', () => {
    const anything = fc.anything({ withNullPrototype: true, withMap: true, withDate: true })
    fc.assert(
      fc.property(anything, fc.string({ unit: 'binary' }), (value, text) => {
        expect(extractor.fromValue(value)).toBeDefined()
        expect(() => parseTarget(text)).not.toThrow()
      }),
      runs(2000),
    )
  })
})
