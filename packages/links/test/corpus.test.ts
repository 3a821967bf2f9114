import { encodeCbor, valueFromJson } from '@orrery/repo'
import { loadCorpus, SHARED_DATA_ABSENT } from '@orrery/testnet'
import { expect, it, vi } from 'vitest'
import { LinkExtractor } from '../src/index.ts'

interface Line {
  commit?: { record?: Record<string, unknown> }
}

it('recorded records have the same links in every form, and are scanned, not parsed', async context => {
  const corpus = await loadCorpus()
  context.skip(corpus === undefined, SHARED_DATA_ABSENT)
  const extractor = new LinkExtractor()
  const records = corpus!.expectedV1
    .map(line => (JSON.parse(line) as Line).commit?.record)
    .filter(record => record !== undefined)
  // JSON.stringify keeps the order that the production line has.
  const json = records.map(record => Buffer.from(JSON.stringify(record)))

  const parse = vi.spyOn(JSON, 'parse')
  const scanned = json.map(bytes => extractor.fromJson(bytes))
  expect(parse).not.toHaveBeenCalled()
  parse.mockRestore()

  expect(scanned).toEqual(records.map(record => extractor.fromValue(record)))
  expect(scanned).toEqual(records.map(record => extractor.fromCbor(encodeCbor(valueFromJson(record)))))
  const links = scanned.flatMap(extraction => extraction?.links ?? [])
  expect(links.length).toBeGreaterThan(40)
  expect(new Set(links.map(link => link.path))).toContain('.subject.uri')
})
