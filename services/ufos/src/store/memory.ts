import { childOf, compareChildren, compareText, termsIn } from '../names.ts'
import {
  type Change,
  type Child,
  type CollectionCounts,
  type Counts,
  type Match,
  type MaybeWindow,
  mostSamples,
  noCounts,
  type Order,
  type PrefixAnswer,
  type PrefixQuery,
  type Sample,
  samplesKept,
  type StoreStats,
  type Trend,
  type UfosReader,
} from '../store.ts'
import { hourOf, type Window } from '../time.ts'
import { growthAtLeast } from '../trend.ts'

interface Event {
  kind: 'create' | 'update' | 'delete'
  did: string
  nsid: string
  timeUs: number
}

export interface MemoryStoreOptions {
  /** Collections beyond the first so many are counted as one. */
  maxCollections?: number | undefined
  /** Samples that each collection keeps. */
  samplesKept?: number | undefined
}

/** The store as plain sets and arrays: every event is kept, and every answer is counted from them. */
export class MemoryStore implements UfosReader {
  readonly #max: number
  readonly #kept: number
  readonly #events: Event[] = []
  readonly #others: Event[] = []
  readonly #known = new Set<string>()
  #samples: Sample[] = []
  #seq = 0

  constructor(options: MemoryStoreOptions = {}) {
    this.#max = options.maxCollections ?? Number.POSITIVE_INFINITY
    this.#kept = options.samplesKept ?? samplesKept
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const seq = ++this.#seq
      if (change.kind === 'remove_account') {
        this.#samples = this.#samples.filter(({ did }) => did !== change.did)
        continue
      }
      const { kind, did, collection: nsid, rkey, timeUs } = change
      if (!this.#known.has(nsid) && this.#known.size >= this.#max) {
        this.#others.push({ kind, did, nsid, timeUs })
        continue
      }
      this.#known.add(nsid)
      this.#events.push({ kind, did, nsid, timeUs })
      this.#samples = this.#samples.filter(
        old => old.did !== did || old.collection !== nsid || old.rkey !== rkey,
      )
      if (kind === 'delete' || change.json === null) continue
      const { rev, cid } = change
      const json = Buffer.from(change.json).toString()
      const isUpdate = kind === 'update'
      this.#samples.push({ did, collection: nsid, rkey, rev, cid, isUpdate, timeUs, seq, json })
    }
    const most = mostSamples(this.#kept)
    this.#samples = [...Map.groupBy(this.#samples, sample => sample.collection).values()].flatMap(all =>
      all.length > most ? all.toSorted(newestFirst).slice(0, this.#kept) : all,
    )
  }

  stats(): Promise<StoreStats> {
    const all = [...this.#events, ...this.#others]
    return Promise.resolve({
      ...countsOf(all),
      collections: this.#known.size,
      other: countsOf(this.#others),
      samples: this.#samples.length,
      sampleBytes: this.#samples.reduce((sum, { json }) => sum + Buffer.byteLength(json) + 200, 0),
      startedAtUs: 0,
      latestUs: all.length === 0 ? null : Math.max(...all.map(({ timeUs }) => timeUs)),
      diskBytes: 0,
    })
  }

  counts(nsids: readonly string[], window: MaybeWindow): Promise<Counts[]> {
    return Promise.resolve(nsids.map(nsid => countsOf(this.#in(window).filter(event => event.nsid === nsid))))
  }

  list(query: {
    window: MaybeWindow
    limit: number
    after?: string | undefined
  }): Promise<CollectionCounts[]> {
    const { window, limit, after = '' } = query
    const behind = this.#collections(window).filter(({ nsid }) => nsid > after)
    return Promise.resolve(behind.slice(0, limit))
  }

  ranked(query: { window: MaybeWindow; limit: number; order: Order }): Promise<CollectionCounts[]> {
    return Promise.resolve(inOrder(this.#collections(query.window), query.order).slice(0, query.limit))
  }

  prefix({ prefix, window, limit, order, after }: PrefixQuery): Promise<PrefixAnswer> {
    const events = this.#in(window).filter(({ nsid }) => nsid.startsWith(`${prefix}.`))
    const groups = Map.groupBy(events, ({ nsid }) => JSON.stringify(childOf(nsid, prefix)))
    const children = Array.from(groups, ([text, of]): Child => {
      const { nsid, type } = JSON.parse(text) as Pick<Child, 'nsid' | 'type'>
      const isOf = (event: Event): boolean => JSON.stringify(childOf(event.nsid, prefix)) === text
      return { type, nsid, ...countsOf(of), ...seenOf(this.#events.filter(isOf)) }
    }).toSorted(compareChildren)
    const sorted = order ? inOrder(children, order) : children
    const behind = after ? sorted.filter(child => compareChildren(child, after) > 0) : sorted
    return Promise.resolve({
      total: countsOf(events),
      children: behind.slice(0, limit),
      isMore: behind.length > limit,
    })
  }

  series({ nsid, windows }: { nsid: string | undefined; windows: readonly Window[] }): Promise<Counts[]> {
    const events = [...this.#events, ...this.#others]
    const own = nsid === undefined ? events : this.#events.filter(event => event.nsid === nsid)
    return Promise.resolve(windows.map(window => countsOf(own.filter(event => isIn(event, window)))))
  }

  search({ terms, limit }: { terms: readonly string[]; limit: number }): Promise<Match[]> {
    const matches = this.#collections(undefined)
      .map(counts => Object.assign(counts, { terms: termsIn(counts.nsid, terms) }))
      .filter(match => match.terms > 0)
      .toSorted((a, b) => b.terms - a.terms || b.dids - a.dids || compareText(a.nsid, b.nsid))
    return Promise.resolve(matches.slice(0, limit))
  }

  trending(query: { window: Window; limit: number; minDids: number }): Promise<Trend[]> {
    const { window, limit, minDids } = query
    const { since, until } = window
    const earlier = this.#in({ since: since - (until - since), until: since })
    const trends = this.#collections(window)
      .map(counts => {
        const before = countsOf(earlier.filter(({ nsid }) => nsid === counts.nsid))
        return Object.assign(counts, { before, atLeast: growthAtLeast(counts.dids, before.dids) })
      })
      .filter(({ dids, atLeast }) => dids >= minDids && atLeast > 1)
      .toSorted((a, b) => b.atLeast - a.atLeast || compareText(a.nsid, b.nsid))
    return Promise.resolve(trends.slice(0, limit))
  }

  samples(query: {
    collections: readonly string[]
    limit: number
    before?: Pick<Sample, 'timeUs' | 'seq'> | undefined
  }): Promise<Sample[]> {
    const { collections, limit, before } = query
    const older = this.#samples.filter(sample => !before || newestFirst(before, sample) < 0)
    return Promise.resolve(
      [...new Set(collections)]
        .flatMap(nsid =>
          older
            .filter(({ collection }) => collection === nsid)
            .toSorted(newestFirst)
            .slice(0, limit),
        )
        .toSorted(newestFirst),
    )
  }

  active(limit: number): Promise<string[]> {
    const all = this.#collections(undefined)
    return Promise.resolve(
      all
        .toSorted((a, b) => b.lastUs - a.lastUs || compareText(a.nsid, b.nsid))
        .slice(0, limit)
        .map(({ nsid }) => nsid),
    )
  }

  #in(window: MaybeWindow): Event[] {
    return window ? this.#events.filter(event => isIn(event, window)) : this.#events
  }

  #collections(window: MaybeWindow): CollectionCounts[] {
    return Array.from(
      Map.groupBy(this.#in(window), ({ nsid }) => nsid),
      ([nsid, events]) => ({
        nsid,
        ...countsOf(events),
        ...seenOf(this.#events.filter(event => event.nsid === nsid)),
      }),
    ).toSorted((a, b) => compareText(a.nsid, b.nsid))
  }
}

function inOrder<T extends Counts & { nsid: string }>(all: readonly T[], order: Order): T[] {
  return all
    .filter(counts => counts[order] > 0)
    .toSorted((a, b) => b[order] - a[order] || compareText(a.nsid, b.nsid))
}

function countsOf(events: readonly Event[]): Counts {
  if (events.length === 0) return noCounts
  const number = (kind: Event['kind']): number => events.filter(event => event.kind === kind).length
  return {
    creates: number('create'),
    updates: number('update'),
    deletes: number('delete'),
    dids: new Set(events.map(({ did }) => did)).size,
  }
}

function seenOf(events: readonly Event[]): { firstUs: number; lastUs: number } {
  const times = events.map(({ timeUs }) => timeUs)
  return { firstUs: Math.min(...times), lastUs: Math.max(...times) }
}

function isIn({ timeUs }: Event, { since, until }: Window): boolean {
  return hourOf(timeUs) >= since && hourOf(timeUs) < until
}

function newestFirst(a: Pick<Sample, 'timeUs' | 'seq'>, b: Pick<Sample, 'timeUs' | 'seq'>): number {
  return b.timeUs - a.timeUs || b.seq - a.seq
}
