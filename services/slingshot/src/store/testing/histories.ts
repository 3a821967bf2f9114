import { array, constantFrom, integer, oneof, record, tuple, type Arbitrary } from 'fast-check'
import type { Change, Fetched } from '../../store.ts'
import { fetched, key, put, remove, rev } from './helpers.ts'

// Random histories over few names, so that much of it is about the same records.

export const dids = ['did:plc:a', 'did:plc:b']
export const names = ['x', 'y', 'z']

const did = constantFrom(...dids)
const name = constantFrom(...names)
const second = integer({ min: 1, max: 12 })
const text = constantFrom('one', 'two', 'three')

/** What may be done to a store. */
export type Step =
  | { do: 'apply'; changes: Change[] }
  | { do: 'fetched'; fetched: Fetched[] }
  | { do: 'restart' }
  | { do: 'tidy' }

const change: Arbitrary<Change> = oneof(
  { weight: 6, arbitrary: tuple(name, second, text, did).map(args => put(...args)) },
  { weight: 3, arbitrary: tuple(name, second, did).map(args => remove(...args)) },
  tuple(name, second, did).map(([n, s, d]): Change => ({ kind: 'forget', record: key(n, d), rev: rev(s) })),
  tuple(did, constantFrom('deactivated', null)).map(([d, status]): Change => ({
    kind: 'account',
    did: d,
    status,
  })),
  did.map((d): Change => ({ kind: 'delete_account', did: d })),
  did.map((d): Change => ({ kind: 'sync', did: d })),
  constantFrom<Change>({ kind: 'gap' }),
)

const oneFetched = tuple(name, second, oneof(text, constantFrom(null)), did).map(args => fetched(...args))

export const step: Arbitrary<Step> = oneof(
  {
    weight: 8,
    arbitrary: record({ do: constantFrom('apply' as const), changes: listOf(change) }),
  },
  { weight: 3, arbitrary: record({ do: constantFrom('fetched' as const), fetched: listOf(oneFetched) }) },
  record({ do: constantFrom('restart' as const) }),
  record({ do: constantFrom('tidy' as const) }),
)

function listOf<T>(one: Arbitrary<T>): Arbitrary<T[]> {
  return array(one, { minLength: 1, maxLength: 4 })
}
