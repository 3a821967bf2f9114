import { expect, it } from 'vitest'
import type { Sample } from '../store.ts'
import { validateSamples } from './validate.ts'

const nsid = 'a.b.c'
const sample = (json: string): Sample => ({
  did: 'did:plc:a',
  collection: nsid,
  rkey: 'x',
  rev: 'r',
  cid: 'c',
  isUpdate: false,
  timeUs: 0,
  seq: 0,
  json,
})
const one = sample('{"$type":"a.b.c","x":{"y":1}}')
const lexicon = (defs: unknown) => ({ lexicon: 1, id: nsid, defs })
const record = (properties: unknown) =>
  lexicon({ main: { type: 'record', key: 'any', record: { type: 'object', properties } } })
const nothing = () => Promise.resolve({ isFailure: false, message: 'there is none' })

it.each([
  ['no lexicon', {}, 'makes no sense'],
  ['null definitions', lexicon(null), 'makes no sense'],
  ['none of a record', lexicon({ main: { type: 'query' } }), 'of no record'],
  ['nothing', lexicon({}), 'of no record'],
  ['an unknown type', record({ x: { type: 'wormhole' } }), 'makes no sense'],
  ['a reference to one that is not there', record({ x: { type: 'ref', ref: 'd.e.f#g' } }), 'd.e.f'],
])('says of %s why nothing can be judged by it', async (_what, schema, error) => {
  const result = await validateSamples({ nsid, schema: schema }, [one], nothing)
  expect(result).toMatchObject({ checked: 0, valid: 0, invalid: [] })
  expect(result.error).toContain(error)
})

it('looks up no more lexicons than it should, however many there are', async () => {
  let asked = 0
  const resolve = (name: string) => {
    asked++
    const refs = Array.from({ length: 10 }, (_, i) => `x.y.n${asked}-${i}#main`)
    const defs = { main: { type: 'object', properties: { x: { type: 'union', refs } } } }
    return Promise.resolve({
      nsid: name,
      did: '',
      uri: '',
      cid: null,
      schema: { lexicon: 1, id: name, defs },
    })
  }
  const schema = record({ x: { type: 'union', refs: ['x.y.z#main', 'lex:x.y.w'] } })
  await validateSamples({ nsid, schema }, [one], resolve)
  expect(asked).toBeGreaterThan(10)
  expect(asked).toBeLessThan(50)
})

it('judges records of any depth and form, and never throws', async () => {
  const deep = `${'{"x":'.repeat(5_000)}1${'}'.repeat(5_000)}`
  const schema = record({ x: { type: 'ref', ref: '#x' } })
  Object.assign(schema.defs as object, {
    x: { type: 'object', properties: { x: { type: 'ref', ref: '#x' } } },
  })
  for (const json of [
    deep,
    '1',
    'null',
    '[]',
    '{"$type":"a.b.c","__proto__":{"x":1}}',
    '{"$type":"a.b.d"}',
  ]) {
    const result = await validateSamples({ nsid, schema }, [sample(json)], nothing)
    expect(result.checked).toBe(1)
  }
})
