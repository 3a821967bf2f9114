import { Sketch } from '@orrery/hll'
import { childOf, compareChildren, compareText, termsIn } from '../../names.ts'
import {
  type Child,
  type CollectionCounts,
  type Counts,
  type Match,
  noCounts,
  type Order,
  type PrefixAnswer,
  type PrefixQuery,
  type Trend,
  type UfosReader,
} from '../../store.ts'
import type { Window } from '../../time.ts'
import { growthAtLeast } from '../../trend.ts'
import type { Collection, Collections } from './collections.ts'
import { topBy } from './top.ts'
import type { Sum, Windows } from './windows.ts'

type Parts = { collections: Collections; windows: Windows }

/**
 * How much higher an estimate of a whole may be than the sum of estimates of its parts. Each is off by 0.81 % as a rule, and
 * by eight times that never.
 */
const slack = 1.14

export function list(
  { collections, windows }: Parts,
  query: Parameters<UfosReader['list']>[0],
): CollectionCounts[] {
  const { window, limit, after = '' } = query
  const { sorted } = collections
  const behind = sorted.slice(firstBehind(sorted, after))
  // All that is behind has something in all time; of a window it takes a look at what has.
  return windows
    .sums(window, window ? behind : behind.slice(0, limit))
    .slice(0, limit)
    .map(sum => answer(sum.collection, { ...sum, dids: windows.dids(sum, window) }))
}

export function ranked(parts: Parts, query: Parameters<UfosReader['ranked']>[0]): CollectionCounts[] {
  const { windows } = parts
  const { window, limit, order } = query
  if (!window) return rankedEver(parts, { limit, order })
  const sums = windows.sums(window)
  if (order === 'dids') {
    return topBy(
      sums.map(sum => ({ item: sum, atMost: mostDids(sum) })),
      {
        limit,
        score: sum => {
          const scored = answer(sum.collection, { ...sum, dids: windows.dids(sum, window) })
          return { score: scored.dids, scored }
        },
        compare: (a, b) => compareText(a.nsid, b.nsid),
      },
    )
  }
  return sums
    .filter(sum => sum[order] > 0)
    .toSorted((a, b) => b[order] - a[order] || compareText(a.collection.nsid, b.collection.nsid))
    .slice(0, limit)
    .map(sum => answer(sum.collection, { ...sum, dids: windows.dids(sum, window) }))
}

function rankedEver(
  { collections, windows }: Parts,
  { limit, order }: { limit: number; order: Order },
): CollectionCounts[] {
  if (order === 'dids') windows.refresh()
  return collections
    .ordered(order)
    .slice(0, limit)
    .filter(collection => collection[order] > 0)
    .map(collection => answer(collection, windows.counts(collection, undefined)))
}

export function prefix({ collections, windows }: Parts, query: PrefixQuery): PrefixAnswer {
  const { prefix: name, window, limit, order, after } = query
  const { sorted } = collections
  const under = windows.sums(window, startingWith(sorted, name))
  const total = new Sketch()
  const children: Child[] = []
  const members = under.map(sum => ({ sum, child: childOf(sum.collection.nsid, name)! }))
  const groups = Map.groupBy(members, ({ child }) => `${child.type}/${child.nsid}`)
  for (const group of groups.values()) {
    const sketch = new Sketch()
    for (const { sum } of group) windows.merge(sketch, sum.collection.id, window)
    total.merge(sketch)
    const [{ child }] = group as [(typeof group)[number]]
    // A group was first seen, and last, when one of its collections was, in the window or not.
    const all =
      child.type === 'collection' ? group.map(({ sum }) => sum.collection) : startingWith(sorted, child.nsid)
    children.push({
      ...child,
      ...addUp(group.map(({ sum }) => sum)),
      dids: sketch.count(),
      firstUs: Math.min(...all.map(({ firstUs }) => firstUs)),
      lastUs: Math.max(...all.map(({ lastUs }) => lastUs)),
    })
  }
  children.sort(compareChildren)
  const inOrder = order
    ? children.filter(child => child[order] > 0).toSorted((a, b) => b[order] - a[order])
    : children
  const behind = after ? inOrder.filter(child => compareChildren(child, after) > 0) : inOrder
  return {
    total: { ...addUp(under), dids: total.count() },
    children: behind.slice(0, limit),
    isMore: behind.length > limit,
  }
}

export function search(
  { collections, windows }: Parts,
  { terms, limit }: { terms: readonly string[]; limit: number },
): Match[] {
  return collections.sorted
    .map(collection => ({ collection, terms: termsIn(collection.nsid, terms) }))
    .filter(match => match.terms > 0)
    .map(({ collection, terms: count }) =>
      Object.assign(answer(collection, windows.counts(collection, undefined)), { terms: count }),
    )
    .toSorted((a, b) => b.terms - a.terms || b.dids - a.dids || compareText(a.nsid, b.nsid))
    .slice(0, limit)
}

export function trending(
  { windows }: Parts,
  { window, limit, minDids }: { window: Window; limit: number; minDids: number },
): Trend[] {
  const earlier: Window = { since: 2 * window.since - window.until, until: window.since }
  const before = new Map(windows.sums(earlier).map(sum => [sum.collection, sum]))
  const candidates = windows.sums(window).flatMap(sum => {
    const atMost = mostDids(sum)
    const earlierSum = before.get(sum.collection)
    const bound = growthAtLeast(atMost, (earlierSum?.atLeast ?? 0) / slack)
    return atMost < minDids || bound <= 1 ? [] : [{ item: { sum, earlierSum }, atMost: bound }]
  })
  return topBy(candidates, {
    limit,
    score: ({ sum, earlierSum }) => {
      const dids = windows.dids(sum, window)
      const earlierCounts = earlierSum
        ? countsOf({ ...earlierSum, dids: windows.dids(earlierSum, earlier) })
        : noCounts
      const atLeast = growthAtLeast(dids, earlierCounts.dids)
      if (dids < minDids || atLeast <= 1) return undefined
      const scored = { ...answer(sum.collection, { ...sum, dids }), before: earlierCounts, atLeast }
      return { score: atLeast, scored }
    },
    compare: (a, b) => compareText(a.nsid, b.nsid),
  })
}

/** The most accounts that an estimate for the window can tell of. */
function mostDids({ collection, atMost }: Sum): number {
  const most = Math.min(atMost, collection.isStale ? Number.POSITIVE_INFINITY : collection.dids * slack)
  return most > 128 ? most * slack : most
}

function addUp(all: readonly Sum[]): Omit<Counts, 'dids'> {
  const sum = { creates: 0, updates: 0, deletes: 0 }
  for (const { creates, updates, deletes } of all) {
    sum.creates += creates
    sum.updates += updates
    sum.deletes += deletes
  }
  return sum
}

function answer({ nsid, firstUs, lastUs }: Collection, counts: Counts): CollectionCounts {
  return { nsid, ...countsOf(counts), firstUs, lastUs }
}

/** The counts alone of what may have more. */
function countsOf({ creates, updates, deletes, dids }: Counts): Counts {
  return { creates, updates, deletes, dids }
}

/** The collections under a prefix, to any depth. */
function startingWith(sorted: readonly Collection[], prefixOf: string): readonly Collection[] {
  // What is between a dot and the character behind it.
  return sorted.slice(firstBehind(sorted, `${prefixOf}.`), firstBehind(sorted, `${prefixOf}/`))
}

/** The place of the first NSID behind a text, in byte order. */
function firstBehind(sorted: readonly Collection[], text: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]!.nsid <= text) low = middle + 1
    else high = middle
  }
  return low
}
