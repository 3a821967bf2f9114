import { type Arbitrary, array, constantFrom, nat, oneof, record, tuple } from 'fast-check'
import type { Change } from '../../store.ts'
import type { Window } from '../../time.ts'
import { create, remove, removeAccount, startHour, update } from './helpers.ts'

// Random histories over few names, so that much of it is about the same collections, records and hours.

export const nsids = ['a.a', 'a.a.a', 'a.a.b', 'a.a.b.x', 'a.a.b-c.x', 'a.a.B', 'a.b.c', 'd.e.f']

/** Edges of days and weeks, and what is beside them. */
const hours = [-200, -1, 0, 1, 2, 23, 24, 25, 47, 100, 167, 168, 169, 335, 336, 400]
const hour = constantFrom(...hours)
const nsid = constantFrom(...nsids)
const who = nat(9)
const rkey = constantFrom('x', 'y', 'z')

const change: Arbitrary<Change[]> = oneof(
  { weight: 4, arbitrary: record({ nsid, who, hour, rkey }).map(one => [create(one.nsid, one.who, one)]) },
  { weight: 2, arbitrary: record({ nsid, who, hour, rkey }).map(one => [update(one.nsid, one.who, one)]) },
  { weight: 2, arbitrary: record({ nsid, who, hour, rkey }).map(one => [remove(one.nsid, one.who, one)]) },
  { weight: 1, arbitrary: who.map(one => [removeAccount(one)]) },
  // Many accounts at once, so that exact sketches end.
  {
    weight: 1,
    arbitrary: record({ nsid, hour, from: nat(200), count: constantFrom(50, 100, 128, 129, 400) }).map(run =>
      Array.from({ length: run.count }, (_, i) =>
        create(run.nsid, run.from + i, { hour: run.hour, rkey: 'r' }),
      ),
    ),
  },
)

export type Step = { do: 'apply'; changes: Change[] } | { do: 'tidy' } | { do: 'restart' }

export const step: Arbitrary<Step> = oneof(
  {
    weight: 6,
    arbitrary: array(change, { maxLength: 8 }).map(all => ({ do: 'apply' as const, changes: all.flat() })),
  },
  { weight: 2, arbitrary: constantFrom({ do: 'tidy' as const }) },
  { weight: 1, arbitrary: constantFrom({ do: 'restart' as const }) },
)

/** Of some length, or of none. */
export const window: Arbitrary<Window> = tuple(hour, oneof(hour, nat(500))).map(([since, until]) => ({
  since: startHour + since,
  until: startHour + until,
}))
