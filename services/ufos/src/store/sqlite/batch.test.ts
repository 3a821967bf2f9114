import { createHasher } from '@orrery/hll'
import {
  type Arbitrary,
  array,
  assert as check,
  constantFrom,
  nat,
  oneof,
  property,
  record,
  string,
} from 'fast-check'
import { expect, it } from 'vitest'
import type { Change } from '../../store.ts'
import { Batch, BatchPacker, buffersOf, kinds } from './batch.ts'

const elementOf = createHasher(new Uint8Array(16))
const text = oneof(string(), string({ unit: 'binary', maxLength: 5 }), constantFrom('', 'x'.repeat(3_000)))
const where = { did: text, collection: constantFrom('a.a.a', 'a.a.b', 'é'), rkey: text, timeUs: nat() }
const json = oneof(
  constantFrom(null),
  string({ minLength: 1 }).map(one => Buffer.from(`${one}{}`)),
)
const change: Arbitrary<Change> = oneof(
  record({ kind: constantFrom('create' as const, 'update' as const), ...where, rev: text, cid: text, json }),
  record({ kind: constantFrom('delete' as const), ...where }),
  record({ kind: constantFrom('remove_account' as const), did: text }),
)

/** What a batch tells of its changes. */
function unpack(batch: Batch): Change[] {
  const { length, nsids, kinds: kindOf, collections, elements, times } = batch.columns
  return Array.from({ length }, (_, i): Change => {
    const did = batch.did(i)
    expect(elements[i]).toBe(elementOf(did))
    if (kindOf[i] === kinds.removeAccount) return { kind: 'remove_account', did }
    const common = { did, collection: nsids[collections[i]!]!, rkey: batch.rkey(i), timeUs: times[i]! }
    if (kindOf[i] === kinds.delete) return { kind: 'delete', ...common }
    const kind = kindOf[i] === kinds.create ? 'create' : 'update'
    const own = batch.hasJson(i) ? Buffer.from(batch.json(i)) : null
    return { kind, ...common, rev: batch.rev(i), cid: batch.cid(i), json: own }
  })
}

/** Lone surrogates have no UTF-8. */
const wellFormed = (one: Change): Change =>
  Object.fromEntries(
    Object.entries(one).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.toWellFormed() : (value as unknown),
    ]),
  ) as Change

it('tells what was put in, in one thread and another, and again when it was cleared', () => {
  const packer = new BatchPacker(elementOf)
  check(
    property(array(change.map(wellFormed), { maxLength: 30 }), changes => {
      for (const one of changes) packer.add(one)
      const columns = packer.copy()
      const moved = structuredClone(columns, { transfer: buffersOf(columns) })
      expect(unpack(new Batch(moved))).toEqual(changes)
      // What was moved was a copy: the same can be sent again.
      expect(unpack(new Batch(packer.copy()))).toEqual(changes)
      packer.clear()
      expect(packer.copy()).toMatchObject({ length: 0, nsids: [] })
    }),
  )
})

it('has room for many, and for large ones', () => {
  const packer = new BatchPacker(elementOf)
  const large = Buffer.alloc(3_000_000, 'x')
  const changes = Array.from({ length: 5_000 }, (_, i): Change => ({
    kind: 'create',
    did: `did:plc:${i}`,
    collection: `a.a.c${i % 70}`,
    rkey: `${i}`,
    rev: 'rev',
    cid: 'bafy',
    json: i % 500 === 0 ? large : Buffer.from(`${i}`),
    timeUs: i,
  }))
  for (let round = 0; round < 2; round++) {
    for (const one of changes) packer.add(one)
    const batch = new Batch(packer.copy())
    expect(batch.columns.texts.length).toBeLessThan(31_000_000)
    for (const i of [0, 1, 1_023, 1_024, 4_500, 4_999]) {
      const { did, rkey, json: own } = changes[i] as Extract<Change, { kind: 'create' }>
      expect([batch.did(i), batch.rkey(i)]).toEqual([did, rkey])
      expect(batch.json(i).equals(own ?? Buffer.of())).toBe(true)
    }
    packer.clear()
  }
})

it('tells records apart, also where account and key together read the same', () => {
  const packer = new BatchPacker(elementOf)
  const removal = { kind: 'delete' as const, collection: 'a.a.a', timeUs: 1 }
  packer.add({ ...removal, did: 'did:web:a.co', rkey: 'mself' })
  packer.add({ ...removal, did: 'did:web:a.com', rkey: 'self' })
  packer.add({ ...removal, did: 'did:web:a.com', rkey: 'self' })
  const batch = new Batch(packer.copy())
  expect(batch.keyOf(0)).not.toBe(batch.keyOf(1))
  expect(batch.keyOf(1)).toBe(batch.keyOf(2))
})
