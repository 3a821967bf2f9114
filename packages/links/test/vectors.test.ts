import { readFileSync } from 'node:fs'
import { encodeCbor, valueFromJson } from '@orrery/repo'
import { hasSharedData, SHARED_DATA_ABSENT, sharedData } from '@orrery/testnet'
import { describe, expect, it } from 'vitest'
import { type Extraction, type Link, LinkExtractor, parseTarget } from '../src/index.ts'

interface Vectors {
  strings: { in: string; kind: string | null; target: string | null }[]
  records: { name: string; record: unknown; links: Link[] }[]
}

const file = 'link-vectors.json'
const vectors = hasSharedData(file)
  ? (JSON.parse(readFileSync(sharedData(file), 'utf8')) as Vectors)
  : { strings: [], records: [] }

/** Where the reference reads the path of an AT-URI as a reference of its own; we take it for a plain path, and leave it as it is. */
const mended = new Set([
  'at://did:plc:abc/a:b/c',
  'at://did:plc:abc/https://example.com',
  'at://did:plc:x/-c:d',
  'at://did:plc:x/1c:d',
  'at://did:plc:x/a://h/b',
  'at://did:plc:x/mailto:a/b',
])
const mendedRecord = 'AT-URI with a colon in the first path segment (reference bug)'

const extractor = new LinkExtractor()

/** The links without their order, which the reference leaves open. */
function linesOf(links: readonly Link[]): string[] {
  return links.map(({ path, kind, target }) => `${path} ${kind} ${target}`).toSorted()
}

describe.skipIf(vectors.strings.length === 0)(`link vectors (${SHARED_DATA_ABSENT})`, () => {
  it.each(vectors.strings.map(vector => [vector.in, vector] as const))('%j', (text, { kind, target }) => {
    const theirs = kind === null ? undefined : { kind, target }
    expect(parseTarget(text)).toEqual(mended.has(text) ? { kind: 'at-uri', target: text } : theirs)
  })

  it.each(vectors.records.map(vector => [vector.name, vector] as const))('%s', (name, { record, links }) => {
    const expected =
      name === mendedRecord
        ? ['/app.bsky.feed.post/rk:ey', '/coll:x/rk', '/http://h/p'].map(
            path => `.u[] at-uri at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa${path}`,
          )
        : linesOf(links)
    const found: (Extraction | undefined)[] = [
      extractor.fromValue(record),
      extractor.fromJson(Buffer.from(JSON.stringify(record))),
    ]
    if (isDataModel(record)) found.push(extractor.fromCbor(encodeCbor(valueFromJson(record))))
    for (const each of found) expect(linesOf(each?.links ?? [])).toEqual(expected)
  })

  it('hold what is mended, and nearly all are in the data model', () => {
    const texts = new Set(vectors.strings.map(vector => vector.in))
    expect(Array.from(mended).filter(text => !texts.has(text))).toEqual([])
    expect(vectors.records.some(({ name }) => name === mendedRecord)).toBe(true)
    expect(vectors.records.filter(({ record }) => !isDataModel(record)).length).toBe(2)
  })
})

/** Whether the record can be had in DAG-CBOR: one has a float, one `$type`s that are none. */
function isDataModel(record: unknown): boolean {
  try {
    valueFromJson(record)
    return true
  } catch {
    return false
  }
}
