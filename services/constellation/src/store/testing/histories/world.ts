import * as fc from 'fast-check'
import type { Link, Source } from '../../../store.ts'
import type { World } from '../dump.ts'
import { did, subject } from '../test-index.ts'

// A small world, so that everything meets everything soon. What stands first in a list is chosen most.

const dids = [
  ...['a', 'b', 'c', 'd', 'e'].map(did),
  // The one is the beginning of the other.
  'did:web:x.example',
  'did:web:x.example.org',
]
const collections = ['app.bsky.feed.like', 'app.bsky.feed.post', 'org.example.list']
const paths = ['.subject.uri', '.list', '.facets[].features[org.example#link].uri']
const rkeys = ['3jzfcijpj2z2a', '3jzfcijpj2z2b', 'self', 'zzzzzzzzzzzzz', '~']
const targets = [
  subject,
  `at://${dids[0]!}/app.bsky.feed.post/3jzfcijpj2z2a`,
  'https://example.com',
  dids[0]!,
  `at://${dids[5]!}/app.bsky.feed.post/3jzfcijpj2z2a`,
  `at://${dids[6]!}/app.bsky.feed.post/3jzfcijpj2z2a`,
  `at://${dids[5]!}`,
  dids[6]!,
  `at://${dids[0]!}/🦋`,
  `at://${dids[0]!}/\uffee`,
  'https://example.com/',
  `https://example.com/${'x'.repeat(3_000)}`,
]

const sources: Source[] = collections.flatMap(collection => paths.map(path => ({ collection, path })))

/** Everything that a history may touch, and some of what none does. */
export const world: World = {
  targets: [...targets, 'https://unknown.example'],
  sources: [...sources, { collection: 'org.example.unknown', path: '.subject.uri' }],
  dids: [...dids, did('z')],
  records: dids.flatMap(of =>
    collections.flatMap(collection => rkeys.map(rkey => ({ did: of, collection, rkey }))),
  ),
}

/** One of them, each half as often as the one before it. */
function heavyTailed<T>(values: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    ...values.map((value, i) => ({ weight: Math.max(1, 64 >> i), arbitrary: fc.constant(value) })),
  )
}

const link: fc.Arbitrary<Link> = fc.record({ path: heavyTailed(paths), target: heavyTailed(targets) })

const links = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Link[]>([]) },
  { weight: 8, arbitrary: fc.array(link, { minLength: 1, maxLength: 3, size: 'max' }) },
  { weight: 2, arbitrary: fc.array(link, { minLength: 4, maxLength: 12, size: 'max' }) },
)

const op = fc.record({
  collection: heavyTailed(collections),
  rkey: fc.constantFrom(...rkeys),
  /** Null is a delete. */
  links: fc.option(links, { freq: 4 }),
})

const account = fc.constantFrom(...dids)

const commit = fc.record({
  kind: fc.constant('commit' as const),
  did: account,
  /** Each record once, as in a commit. */
  ops: fc.uniqueArray(op, {
    minLength: 1,
    maxLength: 4,
    selector: ({ collection, rkey }) => `${collection}/${rkey}`,
  }),
  /** A new rev, none, or the one that was the newest so many commits ago. */
  rev: fc.oneof(
    { weight: 20, arbitrary: fc.constant('new' as const) },
    { weight: 1, arbitrary: fc.constant('none' as const) },
    { weight: 2, arbitrary: fc.nat(6) },
  ),
})

const status = fc.record({ kind: fc.constant('account' as const), did: account, active: fc.boolean() })
const deletion = fc.record({ kind: fc.constant('delete_account' as const), did: account })

/** A part of what is applied in one call. */
const part = fc.oneof(
  { weight: 24, arbitrary: commit },
  { weight: 3, arbitrary: status },
  { weight: 1, arbitrary: deletion },
)
export type Part = typeof part extends fc.Arbitrary<infer Value> ? Value : never

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 })

const apply = fc.record({
  kind: fc.constant('apply' as const),
  parts: fc.array(part, { maxLength: 6, size: 'max' }),
  /** How far the clock goes on, and sometimes back. */
  byMs: fc.constantFrom(0, 1, 5, 1_000, 60_000, -3_000),
})

const step = fc.oneof(
  { weight: 16, arbitrary: apply },
  /** A stretch of what was applied before comes again. */
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('replay' as const),
      from: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      count: fc.integer({ min: 1, max: 30 }),
      atOnce: fc.integer({ min: 1, max: 10 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('tidy' as const), steps: fc.integer({ min: 1, max: 3 }) }),
  },
  /** Walks begin, and turn a page each, while the index changes. */
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('walk' as const), seed }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('check' as const), seed }) },
)
export type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** Any course of events, of up to so many steps and at least half of them. */
export function histories(maxSteps: number): fc.Arbitrary<Step[]> {
  return fc.array(step, { minLength: Math.ceil(maxSteps / 2), maxLength: maxSteps, size: 'max' })
}

/** What an account does that nobody doubts: commits in their order, each with its rev, and its status. */
export const orderly: fc.Arbitrary<Part[]> = fc.array(
  fc.oneof(
    {
      weight: 16,
      arbitrary: commit.map(({ kind, did: of, ops }) => ({ kind, did: of, ops, rev: 'new' as const })),
    },
    { weight: 2, arbitrary: status },
    { weight: 1, arbitrary: deletion },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
)
