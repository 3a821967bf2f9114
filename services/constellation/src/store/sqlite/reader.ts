import type { Database } from '@orrery/storage'
import type {
  Backlinks,
  BacklinksOptions,
  Counts,
  IndexStats,
  JoinGroup,
  JoinItem,
  JoinKey,
  JoinPosition,
  Link,
  LinkReader,
  ListKey,
  ListOptions,
  Page,
  Position,
  RecordKey,
  SourceCounts,
  TargetCounts,
} from '../../store.ts'
import { prepareReadState } from './accounts.ts'
import { secondsFrom, timeMsOf } from './entries.ts'
import { addToGroup, type Group, pageOfGroups } from './groups.ts'
import type { ListPlace } from './list-rows.ts'
import { type Entry, ListReader, type ListRow } from './list-reader.ts'
import { Names } from './names.ts'
import { firstBytes, placeOf } from './places.ts'
import { findLinks } from './records.ts'
import { parseRkey } from './rkey.ts'
import { states } from './schema.ts'
import { Snapshot } from './snapshot.ts'
import { prepareFindStretch } from './stretches.ts'
import {
  type Dictionary,
  keyOfPlace,
  placeOfKey,
  placeOfTarget,
  sourceName,
  sourceOf,
  targetOf,
} from './targets.ts'
import type { Version } from './version.ts'

const nothing: Counts = { records: 0, distinct: 0 }

/**
 * What goes through more than this is read elsewhere: joins of lists with more places, and whatever passes over more than that
 * has nothing to show. Each may take 20 microseconds.
 */
const nearSteps = 1_000

export interface SqliteReaderOptions {
  /** Who reads what takes long; this reader by default. */
  slow?: SlowReads | undefined
  /** What the writer counts its commits by. */
  version?: Version | undefined
  /** More than so many steps take long; for tests. */
  nearSteps?: number | undefined
}

/** What may take long: it goes through lists, or through all the lists of a target or an account. */
export type SlowReads = Pick<
  LinkReader,
  'backlinks' | 'linkingDids' | 'join' | 'joinCounts' | 'sources' | 'sourcesByCount' | 'accountTargets'
>

/** Ends what turns out to take long. */
const tooLong = Symbol('too long')

/** To be called for each step that shows nothing. @throws tooLong */
type Step = () => void

/** Reads the index on a connection of its own, beside the writer. Answers at once, but for what takes long. */
export class SqliteReader implements LinkReader {
  readonly #db: Database
  readonly #snapshot: Snapshot
  readonly #slow: SlowReads | undefined
  readonly #nearSteps: number
  readonly #names: Dictionary
  readonly #lists: ListReader
  readonly #recordRow
  readonly #state
  readonly #totals

  constructor(db: Database, options: SqliteReaderOptions = {}) {
    this.#db = db
    this.#snapshot = new Snapshot(db, options.version)
    this.#slow = options.slow
    this.#nearSteps = options.nearSteps ?? nearSteps
    this.#names = {
      dids: new Names(db, 'did'),
      collections: new Names(db, 'collection'),
      sources: new Names(db, 'source'),
      texts: new Names(db, 'text'),
    }
    this.#lists = new ListReader(db)
    this.#recordRow = prepareFindStretch(db, 'record')
    this.#state = prepareReadState(db)
    this.#totals = db.prepare<
      [],
      { started_ms: number | null; dids: number; targetables: number; records: number; links: number }
    >('SELECT started_ms, dids, targetables, records, links FROM totals')
  }

  get version(): number | undefined {
    return this.#snapshot.version
  }

  async counts(keys: readonly ListKey[]): Promise<Counts[]> {
    return this.#read(() => keys.map(key => this.#countsOf(key)))
  }

  async backlinks(key: ListKey, options: BacklinksOptions): Promise<Backlinks> {
    const far = (slow: SlowReads): Promise<Backlinks> => slow.backlinks(key, options)
    return this.#readUnlessSlow(far, step => {
      const list = this.#list(key)
      if (!list) return { items: [], next: undefined, total: nothing }
      const filter = options.dids && this.#visible(options.dids)
      const chosen = filter && this.#lists.slotsOfAll(list, filter)
      const total = chosen
        ? { records: sum(chosen.values()), distinct: chosen.size }
        : { records: list.records, distinct: list.dids }
      const entries = chosen ? this.#chosen(list, chosen, options) : this.#walk(list, options)
      const page = takePage(this.#within(entries, options, step), options.limit)
      return { ...page, items: page.items.map(entry => this.#record(key, entry)), total }
    })
  }

  async linkingDids(key: ListKey, options: ListOptions): Promise<Page<string> & { total: number }> {
    const { limit, after } = options
    return this.#readUnlessSlow(
      slow => slow.linkingDids(key, options),
      step => {
        const list = this.#list(key)
        if (!list) return { items: [], next: undefined, total: 0 }
        const oldest = passing(
          this.#lists.down(list, after?.seq ?? list.slots),
          entry => !entry.isAgain && this.#isVisible(entry.did),
          step,
        )
        const page = takePage(oldest, limit)
        return { ...page, items: page.items.map(({ did }) => this.#names.dids.name(did)), total: list.dids }
      },
    )
  }

  async join(
    key: JoinKey,
    { limit, after }: { limit: number; after?: JoinPosition | undefined },
  ): Promise<Page<JoinItem, JoinPosition>> {
    if (this.#slow && this.#isLong(key)) return this.#slow.join(key, { limit, after })
    return this.#read(() => {
      const items: JoinItem[] = []
      let last: JoinPosition | undefined
      for (const { entry, others } of this.#joined(key, after?.seq)) {
        for (const { other, target } of others) {
          if (after && entry.slot === after.seq && other <= after.other) continue
          if (items.length === limit) return { items, next: last }
          const otherTarget = targetOf(placeOfKey(target), this.#names)
          items.push({ record: this.#record(key, entry), otherTarget })
          last = { seq: entry.slot, link: 0, other }
        }
      }
      return { items, next: undefined }
    })
  }

  async joinCounts(
    key: JoinKey,
    { limit, after }: { limit: number; after?: string | undefined },
  ): Promise<Page<JoinGroup, string>> {
    if (this.#slow && this.#isLong(key)) return this.#slow.joinCounts(key, { limit, after })
    return this.#read(() => {
      const groups = new Map<string, Group>()
      for (const { entry, others } of this.#joined(key)) {
        const first = others[0]
        if (first) addToGroup(groups, first.target, entry.did)
      }
      return pageOfGroups(groups, {
        limit,
        after,
        textOf: target => targetOf(placeOfKey(target), this.#names),
      })
    })
  }

  async sources(target: string): Promise<SourceCounts[]> {
    return this.#readUnlessSlow(
      slow => slow.sources(target),
      step => this.#sourcesOf(target, step),
    )
  }

  async sourcesByCount(
    target: string,
    options: { limit: number; after?: SourceCounts | undefined; excludedCollections?: readonly string[] },
  ): Promise<Page<SourceCounts, SourceCounts>> {
    const { limit, after, excludedCollections = [] } = options
    const excluded = new Set(excludedCollections)
    return this.#readUnlessSlow(
      slow => slow.sourcesByCount(target, options),
      step => {
        const sources = this.#sourcesOf(target, step).filter(
          ({ records, source }) => records > 0 && !excluded.has(source.collection),
        )
        sources.sort(byCount)
        const rest = after ? sources.filter(source => byCount(source, after) > 0) : sources
        const items = rest.slice(0, limit)
        return { items, next: rest.length > limit ? items.at(-1) : undefined }
      },
    )
  }

  async accountTargets(
    did: string,
    options: { limit: number; after?: Omit<TargetCounts, keyof Counts> | undefined },
  ): Promise<Page<TargetCounts, Omit<TargetCounts, keyof Counts>>> {
    const { limit, after } = options
    return this.#readUnlessSlow(
      slow => slow.accountTargets(did, options),
      step => {
        const id = this.#names.dids.find(did)
        const start = after && this.#placeOf(after)
        if (id === undefined || (after && start?.did !== id)) return { items: [], next: undefined }
        const items: TargetCounts[] = []
        for (const list of this.#lists.underAccount(id, start)) {
          if (list.records === 0) {
            step()
            continue
          }
          if (items.length === limit) {
            const { target, source } = items.at(-1)!
            return { items, next: { target, source } }
          }
          items.push({ target: targetOf(list, this.#names), ...this.#sourceCounts(list) })
        }
        return { items, next: undefined }
      },
    )
  }

  async forward(record: RecordKey): Promise<Link[]> {
    return this.#read(() => {
      const did = this.#names.dids.find(record.did)
      if (did === undefined || !this.#isVisible(did)) return []
      return this.#linksOf(did, record.collection, record.rkey).map(({ source, target }) => ({
        path: sourceOf(source, this.#names).path,
        target: targetOf(placeOfKey(target), this.#names),
      }))
    })
  }

  async knows(target: string): Promise<boolean> {
    return this.#read(() => {
      const place = placeOfTarget(target, this.#names)
      return place !== undefined && !this.#lists.ofTarget(place).next().done
    })
  }

  async stats(): Promise<IndexStats> {
    const { started_ms, dids, targetables, records, links } = this.#totals.get()!
    return { dids, targetables, linkingRecords: records, links, startedAt: started_ms ?? undefined }
  }

  /** What is read from here on sees all that was committed till now: to be called when a write is done. */
  release(): void {
    this.#snapshot.release()
  }

  [Symbol.dispose](): void {
    this.#snapshot.release()
    this.#db.close()
  }

  #read<T>(work: () => T): T {
    return this.#snapshot.read(work)
  }

  /** Reads here, and where that takes long elsewhere, from the beginning. */
  async #readUnlessSlow<T>(far: (slow: SlowReads) => Promise<T>, near: (step: Step) => T): Promise<T> {
    const slow = this.#slow
    let left = this.#nearSteps
    const step = (): void => {
      if (slow && --left < 0) throw tooLong
    }
    try {
      return this.#read(() => near(step))
    } catch (error) {
      if (error !== tooLong) throw error
      return far(slow!)
    }
  }

  #isLong(key: ListKey): boolean {
    return this.#read(() => (this.#list(key)?.slots ?? 0) > this.#nearSteps)
  }

  #list({ target, source }: ListKey): ListRow | undefined {
    const place = placeOfTarget(target, this.#names)
    if (!place) return undefined
    const id = this.#sourceId(source.collection, source.path)
    return id === undefined ? undefined : this.#lists.row(place, id)
  }

  #sourceId(collection: string, path: string): number | undefined {
    const id = this.#names.collections.find(collection)
    return id === undefined ? undefined : this.#names.sources.find(sourceName(id, path))
  }

  #countsOf(key: ListKey): Counts {
    const list = this.#list(key)
    return list ? { records: list.records, distinct: list.dids } : nothing
  }

  /** A list from where a page goes on, in its direction. */
  *#walk(list: ListRow, options: BacklinksOptions): Generator<Entry, void> {
    const { reverse, after, since, until } = options
    if (reverse) {
      const from = since === undefined ? 0 : this.#lists.firstSlotAt(list, secondsFrom(since))
      yield* this.#lists.up(list, Math.max(from, after ? after.seq + 1 : 0))
    } else {
      const below = until === undefined ? list.slots : this.#lists.firstSlotAt(list, secondsFrom(until))
      yield* this.#lists.down(list, Math.min(below, after?.seq ?? list.slots))
    }
  }

  /** The entries of chosen DIDs. */
  *#chosen(
    list: ListRow,
    chosen: ReadonlyMap<number, readonly number[]>,
    { reverse, after }: BacklinksOptions,
  ): Generator<Entry, void> {
    const slots = [...chosen.values()].flat().toSorted((a, b) => (reverse ? a - b : b - a))
    for (const slot of slots) {
      if (after && (reverse ? slot <= after.seq : slot >= after.seq)) continue
      yield this.#lists.entry(list, slot)
    }
  }

  /** Those of an ordered walk that are visible and in the span of time; ends where the walk leaves it. */
  *#within(
    entries: Iterable<Entry>,
    { reverse, since, until }: BacklinksOptions,
    step: Step,
  ): Generator<Entry, void> {
    for (const entry of entries) {
      const timeMs = timeMsOf(entry.time)
      const isTooOld = since !== undefined && timeMs < since
      const isTooNew = until !== undefined && timeMs >= until
      if (reverse ? isTooNew : isTooOld) return
      if (!isTooOld && !isTooNew && this.#isVisible(entry.did)) yield entry
      else step()
    }
  }

  /** Entries of a join's list, oldest first, each with its other sides that pass, as `keyOfPlace` has them. */
  *#joined(
    key: JoinKey,
    fromSlot = 0,
  ): Generator<{ entry: Entry; others: { other: number; target: string }[] }, void> {
    const list = this.#list(key)
    const { collection } = key.source
    const path = list && this.#sourceId(collection, key.pathToOther)
    if (!list || path === undefined) return
    const dids = key.dids && this.#visible(key.dids)
    const wanted = key.otherTargets && this.#keysOf(key.otherTargets)
    if (dids?.size === 0 || wanted?.size === 0) return
    const entries = dids
      ? this.#chosen(list, this.#lists.slotsOfAll(list, dids), {
          limit: 1,
          reverse: true,
          after: { seq: fromSlot - 1, link: 0 },
        })
      : this.#lists.up(list, fromSlot)
    for (const entry of entries) {
      const found = this.#linksOf(entry.did, collection, entry.rkey)
        .map(({ source, target }, other) => ({ source, target, other }))
        .filter(({ source, target }) => source === path && (!wanted || wanted.has(target)))
      // Most records of a long list have no other side: who they are of is not looked up.
      if (found.length === 0 || !this.#isVisible(entry.did)) continue
      const others = found.map(({ target, other }) => ({ other, target }))
      yield { entry, others }
    }
  }

  #linksOf(did: number, collection: string, rkey: string) {
    const id = this.#names.collections.find(collection)
    if (id === undefined) return []
    const place = placeOf(did, id, parseRkey(rkey))
    const row = this.#recordRow(place.hour, firstBytes(place))
    return (row && findLinks(row.data, place)) ?? []
  }

  #keysOf(targets: readonly string[]): Set<string> {
    const places = targets.map(target => placeOfTarget(target, this.#names))
    return new Set(places.filter(place => place !== undefined).map(keyOfPlace))
  }

  #record({ source }: ListKey, { did, rkey }: Entry): RecordKey {
    return { did: this.#names.dids.name(did), collection: source.collection, rkey }
  }

  #sourcesOf(target: string, step: Step): SourceCounts[] {
    const place = placeOfTarget(target, this.#names)
    const lists: ListRow[] = []
    for (const list of place ? this.#lists.ofTarget(place) : []) {
      step()
      lists.push(list)
    }
    return lists.map(list => this.#sourceCounts(list))
  }

  #sourceCounts({ source, records, dids }: ListRow): SourceCounts {
    return { source: sourceOf(source, this.#names), records, distinct: dids }
  }

  #placeOf({ target, source }: Omit<TargetCounts, keyof Counts>): ListPlace | undefined {
    const place = placeOfTarget(target, this.#names)
    const id = this.#sourceId(source.collection, source.path)
    return place && id !== undefined ? { ...place, source: id } : undefined
  }

  #isVisible(did: number): boolean {
    return (this.#state(did) & (states.hidden | states.leaving)) === 0
  }

  /** The numbers of DIDs that are known and visible. */
  #visible(dids: readonly string[]): Set<number> {
    const ids = dids.map(did => this.#names.dids.find(did)).filter(id => id !== undefined)
    return new Set(ids.filter(id => this.#isVisible(id)))
  }
}

/** A page of entries; looks one further to know whether anything is left. */
function takePage(entries: Iterable<Entry>, limit: number): Page<Entry> {
  const items: Entry[] = []
  for (const entry of entries) {
    if (items.length === limit) {
      const next: Position = { seq: items.at(-1)!.slot, link: 0 }
      return { items, next }
    }
    items.push(entry)
  }
  return { items, next: undefined }
}

function* passing<T>(items: Iterable<T>, passes: (item: T) => boolean, step: Step): Generator<T, void> {
  for (const item of items) {
    if (passes(item)) yield item
    else step()
  }
}

function sum(slots: Iterable<readonly number[]>): number {
  let count = 0
  for (const { length } of slots) count += length
  return count
}

/** Most records first, then by name. */
function byCount(a: SourceCounts, b: SourceCounts): number {
  return (
    b.records - a.records ||
    Buffer.compare(Buffer.from(a.source.collection), Buffer.from(b.source.collection)) ||
    Buffer.compare(Buffer.from(a.source.path), Buffer.from(b.source.path))
  )
}
