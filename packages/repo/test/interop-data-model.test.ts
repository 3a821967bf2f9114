import { describe, expect, it } from 'vitest'
import {
  ByteSink,
  cidOf,
  decodeCbor,
  encodeCbor,
  RecordTranscoder,
  valueFromJson,
  valueToJson,
} from '../src/index.ts'
import { refusal } from './refused.ts'
import { interopJson, hasSharedData, whySkipped } from './shared-data.ts'

interface Fixture {
  json: unknown
  cbor_base64: string
  cid: string
}

describe.skipIf(!hasSharedData)(`interop: data model${whySkipped}`, () => {
  const fixtures = interopJson('data-model/data-model-fixtures.json') as Fixture[]

  it.each(fixtures.map(fixture => [fixture.cid, fixture] as const))(
    '%s: JSON to bytes and CID',
    (_, fixture) => {
      const bytes = encodeCbor(valueFromJson(fixture.json))
      expect(Buffer.from(bytes).toString('base64').replace(/=+$/, '')).toBe(fixture.cbor_base64)
      expect(cidOf(bytes).toString()).toBe(fixture.cid)
    },
  )

  it.each(fixtures.map(fixture => [fixture.cid, fixture] as const))('%s: bytes to JSON', (_, fixture) => {
    const bytes = Uint8Array.from(Buffer.from(fixture.cbor_base64, 'base64'))
    expect(valueToJson(decodeCbor(bytes))).toEqual(fixture.json)

    const sink = new ByteSink(16)
    new RecordTranscoder().write(bytes, 0, bytes.length, sink)
    expect(JSON.parse(sink.view().toString())).toEqual(fixture.json)
  })

  const valid = interopJson('data-model/data-model-valid.json') as { note: string; json: unknown }[]
  it.each(valid)('valid: $note', ({ json }) => {
    expect(valueToJson(decodeCbor(encodeCbor(valueFromJson(json))))).toEqual(json)
  })

  // The first of the invalid ones is a text, which is a value of the data model, but no record: a record is a map.
  const invalid = interopJson('data-model/data-model-invalid.json') as { note: string; json: unknown }[]
  it.each(invalid)('invalid: $note', ({ json }) => {
    const code = refusal(() => {
      const bytes = encodeCbor(valueFromJson(json))
      new RecordTranscoder().write(bytes, 0, bytes.length, new ByteSink(16))
    })
    expect(code).toBe(typeof json === 'string' ? 'not_a_map' : 'json_invalid')
  })

  it('has cases', () => {
    expect([fixtures.length, valid.length, invalid.length]).toEqual([3, 5, 12])
  })
})
