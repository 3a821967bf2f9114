import { createMemoryProgress, type MemoryProgress } from '@orrery/firehose'
import type {
  Backlinks,
  Change,
  Counts,
  IndexStats,
  JoinGroup,
  JoinKey,
  Link,
  LinkReader,
  LinkWriter,
  ListKey,
  Page,
  Position,
  RecordKey,
  Source,
  SourceCounts,
  TargetCounts,
} from '../store.ts'
import { ChangeList, changesIn } from './change-list.ts'

/** An index that ends with the process. */
export interface MemoryStore extends AsyncDisposable {
  writer: LinkWriter
  reader: LinkReader
  progress: MemoryProgress
}

interface StoredRecord {
  key: RecordKey
  seq: number
  timeMs: number
  links: Link[]
}

/** One link of a record, in the list of its target and source. */
interface Entry {
  record: StoredRecord
  link: number
}

/** Who links to a target from a source, oldest first. It stays when it becomes empty. */
interface List {
  target: string
  source: Source
  entries: Entry[]
}

interface Account {
  /** The newest rev that was applied; empty before the first. */
  rev: string
  /** The one that was the newest when it was deleted last. Up to it and with it, all is past. */
  pastRev: string
  hidden: boolean
  /** Whether it ever linked, since it was deleted last. */
  linked: boolean
}

/**
 * The plain executable spec of the index: what every other store answers too. Simple and slow: each read looks at all there
 * is. No more than tests and small imports should be kept in it.
 */
export function createMemoryStore(): MemoryStore {
  const records = new Map<string, StoredRecord>()
  /** By target; each target's in the order of their first link. */
  const lists = new Map<string, List[]>()
  const accounts = new Map<string, Account>()
  const progress = createMemoryProgress({ maxAccounts: 10_000 })
  let gathered: { changes: readonly Change[]; timeMs: number }[] = []
  let lastSeq = 0
  let clockMs = -Infinity
  let startedAt: number | undefined

  // Writing

  function applyChange(change: Change): void {
    switch (change.kind) {
      case 'put':
      case 'delete': {
        const { did } = change.record
        const account = accountOf(did)
        if (isReplay(change.rev, account)) return
        const isNewest = change.rev !== '' && change.rev === account.rev
        if (change.rev !== '') account.rev = change.rev
        const links = change.kind === 'put' ? change.links : []
        const before = records.get(nameOf(change.record))
        if (isNewest && before && sameLinks(before.links, links)) return
        if (before) remove(before)
        if (links.length > 0) add(change.record, links)
        return
      }
      case 'account':
        accountOf(change.did).hidden = !change.active
        return
      case 'delete_account': {
        for (const record of records.values()) if (record.key.did === change.did) remove(record)
        const { rev } = accountOf(change.did)
        accounts.set(change.did, { rev, pastRev: rev, hidden: false, linked: false })
      }
    }
  }

  function add(key: RecordKey, links: readonly Link[]): void {
    const { did, collection, rkey } = key
    lastSeq++
    const record: StoredRecord = {
      key: { did, collection, rkey },
      seq: lastSeq,
      timeMs: clockMs,
      links: links.map(copyLink),
    }
    records.set(nameOf(key), record)
    for (const [link, { path, target }] of record.links.entries()) {
      listOf(target, { collection, path }).entries.push({ record, link })
    }
    accountOf(did).linked = true
  }

  function remove(record: StoredRecord): void {
    records.delete(nameOf(record.key))
    for (const { path, target } of record.links) {
      const list = listOf(target, { collection: record.key.collection, path })
      list.entries = list.entries.filter(entry => entry.record !== record)
    }
  }

  function listOf(target: string, { collection, path }: Source): List {
    let ofTarget = lists.get(target)
    if (!ofTarget) lists.set(target, (ofTarget = []))
    let list = ofTarget.find(({ source }) => source.collection === collection && source.path === path)
    if (!list) ofTarget.push((list = { target, source: { collection, path }, entries: [] }))
    return list
  }

  function accountOf(did: string): Account {
    let account = accounts.get(did)
    if (!account) accounts.set(did, (account = { rev: '', pastRev: '', hidden: false, linked: false }))
    return account
  }

  // Reading

  function entriesOf({ target, source }: ListKey): Entry[] {
    const ofTarget = lists.get(target) ?? []
    const same = ofTarget.find(
      list => list.source.collection === source.collection && list.source.path === source.path,
    )
    return same?.entries ?? []
  }

  function isVisible({ record }: Entry): boolean {
    return !accounts.get(record.key.did)?.hidden
  }

  /** The part of a list that a filter lets through. Without a filter that is all of it, hidden accounts too. */
  function filtered(key: ListKey, dids: readonly string[] | undefined): Entry[] {
    if (!dids) return entriesOf(key)
    return entriesOf(key).filter(entry => isVisible(entry) && dids.includes(entry.record.key.did))
  }

  /** The pairs of a join, oldest first. */
  function pairsOf({ pathToOther, dids, otherTargets, ...key }: JoinKey) {
    return filtered(key, dids)
      .filter(isVisible)
      .flatMap(entry =>
        [...entry.record.links.entries()]
          .filter(([, { path, target }]) => path === pathToOther && (otherTargets?.includes(target) ?? true))
          .map(([other, { target }]) => ({ entry, target, place: { ...placeOf(entry), other } })),
      )
  }

  function applyAll({ changes, timeMs }: (typeof gathered)[number]): void {
    clockMs = Math.max(clockMs, Math.floor(timeMs / 1000) * 1000)
    if (changes.length > 0) startedAt ??= clockMs
    for (const change of changes) applyChange(change)
  }

  const writer: LinkWriter = {
    batch: () => new ChangeList(),
    async gather(changes, timeMs) {
      gathered.push({ changes: changesIn(changes), timeMs })
    },
    async apply(changes, upstream, timeMs) {
      for (const call of [...gathered, { changes: changesIn(changes), timeMs }]) applyAll(call)
      gathered = []
      progress.save(upstream)
    },
    tidy: async () => false,
    [Symbol.asyncDispose]: async () => {},
  }

  const reader: LinkReader = {
    version: undefined,
    counts: async keys => keys.map(key => countsOf(entriesOf(key))),

    async backlinks(key, { limit, after, reverse, dids, since, until }): Promise<Backlinks> {
      const total = countsOf(filtered(key, dids))
      const found = filtered(key, dids)
        .filter(isVisible)
        .filter(({ record }) => record.timeMs >= (since ?? -Infinity) && record.timeMs < (until ?? Infinity))
      const ahead = reverse
        ? found.filter(entry => !after || comparePlaces(placeOf(entry), after) > 0)
        : found.filter(entry => !after || comparePlaces(placeOf(entry), after) < 0).toReversed()
      return { total, ...cut(ahead, limit, ({ record }) => ({ ...record.key }), placeOf) }
    },

    async linkingDids(key, { limit, after }) {
      const oldest = new Map<string, Entry>()
      for (const entry of entriesOf(key)) {
        if (!oldest.has(entry.record.key.did)) oldest.set(entry.record.key.did, entry)
      }
      const ahead = [...oldest.values()]
        .filter(isVisible)
        .filter(entry => !after || comparePlaces(placeOf(entry), after) < 0)
        .toReversed()
      return { total: oldest.size, ...cut(ahead, limit, ({ record }) => record.key.did, placeOf) }
    },

    async join(key, { limit, after }) {
      const ahead = pairsOf(key).filter(
        ({ place }) => !after || comparePlaces(place, after) > 0 || isLaterPair(place, after),
      )
      return cut(
        ahead,
        limit,
        ({ entry, target }) => ({ record: { ...entry.record.key }, otherTarget: target }),
        ({ place }) => place,
      )
    },

    async joinCounts(key, { limit, after }) {
      const firsts = new Map<Entry, string>()
      for (const { entry, target } of pairsOf(key)) if (!firsts.has(entry)) firsts.set(entry, target)
      const groups = Map.groupBy(firsts.keys(), entry => firsts.get(entry)!)
      const ahead = [...groups]
        .filter(([target]) => after === undefined || compareText(target, after) > 0)
        .toSorted(([a], [b]) => compareText(a, b))
        .map(groupCounts)
      return cut(
        ahead,
        limit,
        group => group,
        ({ otherTarget }) => otherTarget,
      )
    },

    async sources(target) {
      return (lists.get(target) ?? []).map(sourceCounts)
    },

    async sourcesByCount(target, { limit, after, excludedCollections = [] }) {
      const ahead = (await reader.sources(target))
        .filter(({ records: some, source }) => some > 0 && !excludedCollections.includes(source.collection))
        .toSorted((a, b) => b.records - a.records || compareSources(a.source, b.source))
        .filter(
          each =>
            !after ||
            each.records < after.records ||
            (each.records === after.records && compareSources(each.source, after.source) > 0),
        )
      return cut(
        ahead,
        limit,
        each => each,
        each => each,
      )
    },

    async accountTargets(did, { limit, after }) {
      const ahead = [...lists.values()]
        .flat()
        .map(targetCounts)
        .filter(({ target, records: some }) => some > 0 && isUnder(target, did))
        .toSorted(compareTargets)
        .filter(each => !after || compareTargets(each, after) > 0)
      return cut(
        ahead,
        limit,
        each => each,
        ({ target, source }) => ({ target, source }),
      )
    },

    async forward(key) {
      const record = records.get(nameOf(key))
      return record && isVisible({ record, link: 0 }) ? record.links.map(copyLink) : []
    },

    knows: async target => lists.has(target),

    async stats(): Promise<IndexStats> {
      return {
        dids: [...accounts.values()].filter(({ linked }) => linked).length,
        targetables: [...lists.values()].flat().length,
        linkingRecords: records.size,
        links: [...records.values()].reduce((sum, { links }) => sum + links.length, 0),
        startedAt,
      }
    },

    [Symbol.dispose]: () => {},
  }

  return { writer, reader, progress, [Symbol.asyncDispose]: async () => {} }
}

function nameOf({ did, collection, rkey }: RecordKey): string {
  return JSON.stringify([did, collection, rkey])
}

function isReplay(rev: string, account: Account): boolean {
  return rev !== '' && (rev < account.rev || rev <= account.pastRev)
}

function copyLink({ path, target }: Link): Link {
  return { path, target }
}

function sameLinks(some: readonly Link[], others: readonly Link[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ path, target }, i) => path === others[i]!.path && target === others[i]!.target)
  )
}

function countsOf(entries: Entry[]): Counts {
  return { records: entries.length, distinct: new Set(entries.map(({ record }) => record.key.did)).size }
}

function sourceCounts({ source, entries }: List): SourceCounts {
  return { source: { ...source }, ...countsOf(entries) }
}

function targetCounts(list: List): TargetCounts {
  return { target: list.target, ...sourceCounts(list) }
}

function groupCounts([otherTarget, entries]: [string, Entry[]]): JoinGroup {
  return { otherTarget, ...countsOf(entries) }
}

function placeOf({ record, link }: Entry): Position {
  return { seq: record.seq, link }
}

function comparePlaces(a: Position, b: Position): number {
  return a.seq - b.seq || a.link - b.link
}

function isLaterPair(place: Position & { other: number }, after: Position & { other: number }): boolean {
  return comparePlaces(place, after) === 0 && place.other > after.other
}

/** The first `limit` of what is ahead, and where the next page goes on. */
function cut<Found, Item, Cursor>(
  ahead: Found[],
  limit: number,
  show: (found: Found) => Item,
  cursorOf: (found: Found) => Cursor,
): Page<Item, Cursor> {
  const found = ahead.slice(0, limit)
  return { items: found.map(show), next: ahead.length > limit ? cursorOf(found.at(-1)!) : undefined }
}

/** A DID itself, and the at-uris whose authority it is. */
function isUnder(target: string, did: string): boolean {
  const uri = `at://${did}`
  return target === did || target === uri || ['/', '?', '#'].some(next => target.startsWith(uri + next))
}

/** By UTF-8 bytes: JavaScript's own order is another one. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function compareSources(a: Source, b: Source): number {
  return compareText(a.collection, b.collection) || compareText(a.path, b.path)
}

function compareTargets(a: Omit<TargetCounts, keyof Counts>, b: Omit<TargetCounts, keyof Counts>): number {
  return compareText(a.target, b.target) || compareSources(a.source, b.source)
}
