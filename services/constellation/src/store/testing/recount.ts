import { createMemoryProgress } from '@orrery/firehose'
import type { Change, Counts, Link, LinkReader, ListKey, Page, RecordKey, Source } from '../../store.ts'
import type { TestedStore } from './tested-store.ts'
import { ChangeList, changesIn } from '../change-list.ts'

/** One live link, as a row of one flat table. */
interface Row extends RecordKey, Link {
  seq: number
  link: number
  timeMs: number
}

/** What a history comes to. */
interface Recount {
  /** Live links, oldest first. */
  rows: Row[]
  /** Every link that ever was, in the order of coming. */
  ever: Row[]
  hidden: string[]
  /** Accounts that linked since they were deleted last. */
  linked: string[]
}

/**
 * A recount from scratch: it keeps nothing but the history, works out all live links from it anew for each state that is
 * asked about, and answers by filtering that one flat list. Made without a look at any store, to hold the others to it.
 */
export function createRecount(): TestedStore {
  const history: { change: Change; timeMs: number }[] = []
  const progress = createMemoryProgress()
  let gathered: { changes: readonly Change[]; timeMs: number }[] = []
  let nowMs = 0
  let counted: Recount | undefined

  const state = (): Recount => (counted ??= recount(history))
  const shown = (): Row[] => state().rows.filter(({ did }) => !state().hidden.includes(did))

  const reader: LinkReader = {
    version: undefined,
    counts: async keys => keys.map(key => count(state().rows.filter(isIn(key)))),

    async backlinks(key, { limit, after, reverse, dids, since, until }) {
      const all = dids ? shown().filter(({ did }) => dids.includes(did)) : state().rows
      const some = shown()
        .filter(isIn(key))
        .filter(({ did }) => !dids || dids.includes(did))
        .filter(
          ({ timeMs }) => (since === undefined || timeMs >= since) && (until === undefined || timeMs < until),
        )
      const ordered = reverse ? some : some.toReversed()
      const from = after
        ? ordered.filter(row => (reverse ? isBehind(row, after) : isBehind(after, row)))
        : ordered
      return {
        total: count(all.filter(isIn(key))),
        ...page(from, limit, recordOf, ({ seq, link }) => ({ seq, link })),
      }
    },

    async linkingDids(key, { limit, after }) {
      const rows = state().rows.filter(isIn(key))
      const oldest = rows.filter(row => rows.find(({ did }) => did === row.did) === row)
      const listed = oldest.filter(row => shown().includes(row)).toReversed()
      const from = after ? listed.filter(row => isBehind(after, row)) : listed
      return {
        total: oldest.length,
        ...page(
          from,
          limit,
          ({ did }) => did,
          ({ seq, link }) => ({ seq, link }),
        ),
      }
    },

    async join(key, { limit, after }) {
      const { pathToOther, dids, otherTargets } = key
      const pairs = shown()
        .filter(isIn(key))
        .flatMap(row =>
          state()
            .rows.filter(({ seq }) => seq === row.seq)
            .map(other => ({ row, other })),
        )
        .filter(({ other }) => other.path === pathToOther)
        .filter(({ row }) => !dids || dids.includes(row.did))
        .filter(({ other }) => !otherTargets || otherTargets.includes(other.target))
      const from = pairs.filter(
        ({ row, other }) =>
          !after || compareAll([row.seq, row.link, other.link], [after.seq, after.link, after.other]) > 0,
      )
      return page(
        from,
        limit,
        ({ row, other }) => ({ record: recordOf(row), otherTarget: other.target }),
        ({ row, other }) => ({ seq: row.seq, link: row.link, other: other.link }),
      )
    },

    /** In the order of the newest first coming of each, by its name's place among all names that ever were. */
    async joinCounts(key, { limit, after }) {
      const { pathToOther, dids, otherTargets } = key
      const members = shown()
        .filter(isIn(key))
        .filter(({ did }) => !dids || dids.includes(did))
        .map(row => ({
          row,
          other: state().rows.find(
            ({ seq, path, target }) =>
              seq === row.seq && path === pathToOther && (!otherTargets || otherTargets.includes(target)),
          ),
        }))
      const names = [...new Set(state().ever.map(({ target }) => target))].toReversed()
      const from = after === undefined ? names : names.slice(names.indexOf(after) + 1)
      const groups = from
        .map(otherTarget => {
          const rows = members.filter(({ other }) => other?.target === otherTarget).map(({ row }) => row)
          const { records, distinct } = count(rows)
          return { otherTarget, records, distinct }
        })
        .filter(({ records }) => records > 0)
      return page(
        groups,
        limit,
        group => group,
        ({ otherTarget }) => otherTarget,
      )
    },

    sources: async target => sourcesOf(state(), target),

    async sourcesByCount(target, { limit, after, excludedCollections }) {
      const ordered = sourcesOf(state(), target)
        .filter(({ records }) => records > 0)
        .filter(({ source }) => !excludedCollections?.includes(source.collection))
        .toSorted((a, b) => compareAll(rank(a), rank(b)))
      const from = after ? ordered.filter(each => compareAll(rank(each), rank(after)) > 0) : ordered
      return page(
        from,
        limit,
        each => each,
        each => each,
      )
    },

    async accountTargets(did, { limit, after }) {
      const targets = [...new Set(state().ever.map(({ target }) => target))].filter(target =>
        belongsTo(target, did),
      )
      const ordered = targets
        .flatMap(target =>
          sourcesOf(state(), target).map(({ source, records, distinct }) => ({
            target,
            source,
            records,
            distinct,
          })),
        )
        .filter(({ records }) => records > 0)
        .toSorted((a, b) => compareAll(address(a), address(b)))
      const from = after ? ordered.filter(each => compareAll(address(each), address(after)) > 0) : ordered
      return page(
        from,
        limit,
        each => each,
        ({ target, source }) => ({ target, source }),
      )
    },

    forward: async ({ did, collection, rkey }) =>
      shown()
        .filter(row => row.did === did && row.collection === collection && row.rkey === rkey)
        .map(({ path, target }) => ({ path, target })),

    knows: async target => state().ever.some(row => row.target === target),

    async stats() {
      const { rows, ever, linked } = state()
      return {
        dids: linked.length,
        targetables: unique(ever.map(({ target, collection, path }) => [target, collection, path])),
        linkingRecords: unique(rows.map(({ seq }) => seq)),
        links: rows.length,
        startedAt: history[0]?.timeMs,
      }
    },

    [Symbol.dispose]: () => {},
  }

  return {
    reader,
    progress,
    writer: {
      batch: () => new ChangeList(),
      async gather(changes, timeMs) {
        gathered.push({ changes: changesIn(changes), timeMs })
      },
      async apply(changes, upstream, timeMs) {
        for (const call of [...gathered, { changes: changesIn(changes), timeMs }]) {
          nowMs = Math.max(nowMs, call.timeMs - (call.timeMs % 1000))
          history.push(...call.changes.map(change => ({ change, timeMs: nowMs })))
        }
        gathered = []
        counted = undefined
        progress.save(upstream)
      },
      tidy: async () => false,
      [Symbol.asyncDispose]: async () => {},
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

function recount(history: { change: Change; timeMs: number }[]): Recount {
  let rows: Row[] = []
  const ever: Row[] = []
  let hidden: string[] = []
  let linked: string[] = []
  const newest: Record<string, string> = Object.create(null) as Record<string, string>
  const newestWhenDeleted: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [seq, { change, timeMs }] of history.entries()) {
    if (change.kind === 'account') {
      hidden = hidden.filter(did => did !== change.did)
      if (!change.active) hidden.push(change.did)
    } else if (change.kind === 'delete_account') {
      rows = rows.filter(({ did }) => did !== change.did)
      hidden = hidden.filter(did => did !== change.did)
      linked = linked.filter(did => did !== change.did)
      newestWhenDeleted[change.did] = newest[change.did] ?? ''
    } else {
      const { record, rev } = change
      const isRecord = (row: Row): boolean =>
        row.did === record.did && row.collection === record.collection && row.rkey === record.rkey
      if (rev && (newest[record.did] ?? '') > rev) continue
      if (rev && (newestWhenDeleted[record.did] ?? '') >= rev) continue
      const links = change.kind === 'put' ? change.links : []
      const held = rows.filter(isRecord).map(({ path, target }) => [path, target])
      const holdsSame =
        JSON.stringify(held) === JSON.stringify(links.map(({ path, target }) => [path, target]))
      if (rev && newest[record.did] === rev && holdsSame) continue
      if (rev) newest[record.did] = rev
      const { did, collection, rkey } = record
      const added = links.map(({ path, target }, link) => {
        return { did, collection, rkey, path, target, seq: seq + 1, link, timeMs }
      })
      rows = [...rows.filter(row => !isRecord(row)), ...added]
      ever.push(...added)
      if (added.length > 0 && !linked.includes(record.did)) linked.push(record.did)
    }
  }
  return { rows, ever, hidden, linked }
}

function sourcesOf({ rows, ever }: Recount, target: string): (Counts & { source: Source })[] {
  const first = ever.filter(
    (row, i, all) =>
      row.target === target &&
      all.findIndex(
        each => each.target === target && each.collection === row.collection && each.path === row.path,
      ) === i,
  )
  return first.map(({ collection, path }) => {
    const source = { collection, path }
    const { records, distinct } = count(rows.filter(isIn({ target, source })))
    return { source, records, distinct }
  })
}

function isIn({ target, source }: ListKey): (row: Row) => boolean {
  return row => row.target === target && row.collection === source.collection && row.path === source.path
}

function count(rows: Row[]): Counts {
  return { records: rows.length, distinct: unique(rows.map(({ did }) => did)) }
}

function unique(values: unknown[]): number {
  return new Set(values.map(value => JSON.stringify(value))).size
}

function recordOf({ did, collection, rkey }: Row): RecordKey {
  return { did, collection, rkey }
}

function page<Each, Item, Cursor>(
  from: Each[],
  limit: number,
  item: (each: Each) => Item,
  cursor: (each: Each) => Cursor,
): Page<Item, Cursor> {
  const last = from[limit - 1]
  return { items: from.slice(0, limit).map(item), next: last && from[limit] ? cursor(last) : undefined }
}

/** Whether a place comes later than another. */
function isBehind(a: { seq: number; link: number }, b: { seq: number; link: number }): boolean {
  return compareAll([a.seq, a.link], [b.seq, b.link]) > 0
}

const rank = ({ records, source }: { records: number; source: Source }): (number | string)[] => [
  -records,
  source.collection,
  source.path,
]

const address = ({ target, source }: { target: string; source: Source }): string[] => [
  target,
  source.collection,
  source.path,
]

/** One after the other; texts by their code points, which is the order of their UTF-8 bytes. */
function compareAll(a: (number | string)[], b: (number | string)[]): number {
  for (const [i, one] of a.entries()) {
    const other = b[i]!
    const difference =
      typeof one === 'number' && typeof other === 'number'
        ? one - other
        : compareCodes(codes(String(one)), codes(String(other)))
    if (difference !== 0) return difference
  }
  return 0
}

function codes(text: string): number[] {
  return Array.from(text, char => char.codePointAt(0)!)
}

function compareCodes(a: number[], b: number[]): number {
  const i = a.findIndex((code, at) => code !== b[at])
  return i === -1 ? a.length - b.length : a[i]! - (b[i] ?? -1)
}

function belongsTo(target: string, did: string): boolean {
  if (target === did) return true
  const [head, tail] = [target.slice(0, 5 + did.length), target[5 + did.length]]
  return head === `at://${did}` && (tail === undefined || '/?#'.includes(tail))
}
