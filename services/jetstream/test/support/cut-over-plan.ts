import * as fc from 'fast-check'
import { everything, type Wanted } from './wanted.ts'

/** Where a subscriber begins. `at` is a share of what there is to choose from; `by` moves the cursor by microseconds. */
export type Begin =
  | { kind: 'now' | 'future' | 'oldest' | 'newest' }
  | { kind: 'event' | 'block' | 'hour'; at: number; by: -1 | 0 | 1 }

/** What a subscriber does, so many steps after what it did before. */
export interface Doing {
  after: number
  what:
    | { kind: 'update'; wanted: Wanted }
    | { kind: 'pause'; steps: number }
    | { kind: 'cut'; steps: number; cursor: 'received' | 'next' }
}

export interface SubscriberPlan {
  joinsAt: number
  begin: Begin
  wanted: Wanted
  compress: boolean
  hello: boolean
  heartbeat: number
  doings: Doing[]
}

export interface Plan {
  perStep: number
  /** When the clock jumps to the end of its hour, and when it is set back; undefined for never. */
  hourAt: number | undefined
  backAt: number | undefined
  subscribers: SubscriberPlan[]
}

/** Steps of a run, each 20 ms or as long as it takes. */
export const steps = 70

/** Nobody else joins before: until then a reader that does not read is alone. */
export const othersJoinAt = 15

const step = fc.integer({ min: othersJoinAt, max: steps - 5 })
const share = fc.double({ min: 0, max: 1, noNaN: true })

/** Any filter over accounts by DID, some of which do not exist. */
function arbitraryWanted(dids: readonly string[]): fc.Arbitrary<Wanted> {
  const some = (items: readonly string[], maxLength: number): fc.Arbitrary<string[]> =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant<string[]>([]) },
      { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...items), { minLength: 1, maxLength }) },
    )
  const collections = [
    'app.bsky.feed.like',
    'app.bsky.feed.post',
    'app.bsky.actor.profile',
    'app.bsky.graph.*',
    'app.bsky.feed.*',
    'app.bsky.feed.repost.*',
    'fm.*',
    'com.example.none',
  ]
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(everything) },
    {
      weight: 3,
      arbitrary: fc.record({
        collections: some(collections, 3),
        dids: some(dids, 5),
        kinds: some(['commit', 'identity', 'account'], 2),
        maxBytes: fc.constantFrom(0, 0, 0, 250, 480),
      }),
    },
  )
}

const begin: fc.Arbitrary<Begin> = fc.oneof(
  fc.record({ kind: fc.constantFrom('now', 'future', 'oldest', 'newest') }),
  fc.record({
    kind: fc.constantFrom('event', 'block', 'block', 'hour'),
    at: share,
    by: fc.constantFrom(-1, 0, 1),
  }),
)

function arbitraryDoing(wanted: fc.Arbitrary<Wanted>): fc.Arbitrary<Doing> {
  const some = fc.integer({ min: 1, max: 12 })
  return fc.record({
    after: some,
    what: fc.oneof(
      fc.record({ kind: fc.constant('update'), wanted }),
      fc.record({ kind: fc.constant('pause'), steps: some }),
      fc.record({
        kind: fc.constant('cut'),
        steps: some,
        cursor: fc.constantFrom('received', 'next'),
      }),
    ),
  })
}

const likes: Wanted = { ...everything, collections: ['app.bsky.feed.like'] }
const noLikes: Wanted = { ...everything, collections: ['app.bsky.graph.*', 'app.bsky.feed.post'] }

/** Two who ask for the same from almost the same place at the same time share all the work on it. */
const twins = ([0, 1] as const).map((by): SubscriberPlan => ({
  joinsAt: othersJoinAt + 3,
  begin: { kind: 'event', at: 0.9, by },
  wanted: everything,
  compress: true,
  hello: false,
  heartbeat: 0,
  doings: [],
}))

/** Subscribers of every plan, so that what matters most is tried in each. */
export const always: readonly SubscriberPlan[] = [
  ...twins,
  {
    joinsAt: othersJoinAt + 5,
    begin: { kind: 'block', at: 0.5, by: 0 },
    wanted: everything,
    compress: false,
    hello: false,
    heartbeat: 0,
    doings: [
      { after: 12, what: { kind: 'update', wanted: likes } },
      { after: 12, what: { kind: 'cut', steps: 4, cursor: 'received' } },
    ],
  },
  {
    joinsAt: othersJoinAt + 8,
    begin: { kind: 'hour', at: 0, by: 0 },
    wanted: likes,
    compress: true,
    hello: true,
    heartbeat: 0,
    doings: [
      { after: 2, what: { kind: 'update', wanted: everything } },
      { after: 20, what: { kind: 'update', wanted: noLikes } },
    ],
  },
]

/** Any plan for a world with these accounts. */
export function arbitraryPlan(dids: readonly string[]): fc.Arbitrary<Plan> {
  const wanted = arbitraryWanted(dids)
  return fc.record({
    perStep: fc.constantFrom(4, 10, 20, 40),
    hourAt: fc.option(step, { nil: undefined }),
    backAt: fc.option(step, { nil: undefined }),
    subscribers: fc.array(
      fc.record({
        joinsAt: step,
        begin,
        wanted,
        compress: fc.boolean(),
        hello: fc.boolean(),
        heartbeat: fc.constantFrom(0, 0, 1),
        doings: fc.array(arbitraryDoing(wanted), { maxLength: 5, size: 'max' }),
      }),
      { minLength: 8, maxLength: 12, size: 'max' },
    ),
  })
}
