import type { QueryParams } from '@orrery/server'
import {
  backlinksCursor,
  didsCursor,
  formatCursor,
  groupsCursor,
  joinCursor,
  parseCursor,
  readCursorText,
  type CursorQuery,
} from '../cursor.ts'
import { readDids, unique } from '../params/dids.ts'
import { limits } from '../params/limits.ts'
import { readPathToOther, readSource } from '../params/source.ts'
import { checkSubject, readSubject } from '../params/subject.ts'
import { readTime } from '../params/time.ts'
import {
  type Backlinks,
  type Counts,
  type JoinGroup,
  type JoinItem,
  type JoinKey,
  type ListKey,
  type RecordKey,
  type Source,
} from '../store.ts'
import type { EndpointContext } from './endpoint.ts'

// What the routes of both wires do alike: they differ in how they name things.

/** A list as it was asked for: the subject as written. */
export interface Asked {
  subject: string
  source: Source
}

/** A part of a list, and the cursor of the next, null at the end. */
export interface Listed<Item> {
  key: ListKey
  items: Item[]
  cursor: string | null
}

export function readAsked(query: QueryParams): Asked {
  return { subject: readSubject(query, 'subject'), source: readSource(query) }
}

export function readLimit(query: QueryParams): number {
  return query.integer('limit', limits.page)
}

export async function findKey({ findTarget }: EndpointContext, { subject, source }: Asked): Promise<ListKey> {
  return { target: await findTarget(subject), source }
}

/** Counts of one list. */
export async function countOne(
  context: EndpointContext,
  asked: Asked,
): Promise<{ key: ListKey; counts: Counts }> {
  const key = await findKey(context, asked)
  const [counts] = await context.reader.counts([key])
  return { key, counts: counts! }
}

export async function listBacklinks(
  query: QueryParams,
  context: EndpointContext,
  asked: Asked,
  { dids, reverse }: { dids: string[] | undefined; reverse: boolean },
): Promise<Listed<RecordKey> & Pick<Backlinks, 'total'>> {
  const limit = readLimit(query)
  const since = readTime(query, 'since')
  const until = readTime(query, 'until')
  const cursor = readCursorText(query, true)
  const key = await findKey(context, asked)
  const bound: CursorQuery = { key, dids: dids?.toSorted(), reverse, since, until }
  const after = parseCursor(backlinksCursor, bound, cursor)
  const page = await context.reader.backlinks(key, { limit, after, dids, reverse, since, until })
  return {
    key,
    items: page.items,
    total: page.total,
    cursor: formatCursor(backlinksCursor, bound, page.next),
  }
}

export async function listDids(
  query: QueryParams,
  context: EndpointContext,
  asked: Asked,
): Promise<Listed<string> & { total: number }> {
  const limit = readLimit(query)
  const cursor = readCursorText(query, false)
  const key = await findKey(context, asked)
  const after = parseCursor(didsCursor, { key }, cursor)
  const page = await context.reader.linkingDids(key, { limit, after })
  return { key, items: page.items, total: page.total, cursor: formatCursor(didsCursor, { key }, page.next) }
}

/** What a join was asked for; both of its endpoints have the same parameters but for the name of the filter by DIDs. */
interface JoinAsked extends Asked {
  pathToOther: string
  dids: string[] | undefined
  others: string[]
  limit: number
  cursor: string | undefined
}

export function readJoin(query: QueryParams, didsName: string): JoinAsked {
  const others = unique(query.list('otherSubject'), 'otherSubject', limits.otherSubjects)
  for (const other of others) checkSubject(other, 'otherSubject')
  return {
    ...readAsked(query),
    pathToOther: readPathToOther(query),
    dids: readDids(query, didsName),
    others,
    limit: readLimit(query),
    cursor: readCursorText(query, true),
  }
}

export async function listJoin(
  context: EndpointContext,
  asked: JoinAsked,
): Promise<Listed<JoinItem> & { key: JoinKey }> {
  const { key, bound } = await findJoin(context, asked)
  const after = parseCursor(joinCursor, bound, asked.cursor)
  const page = await context.reader.join(key, { limit: asked.limit, after })
  return { key, items: page.items, cursor: formatCursor(joinCursor, bound, page.next) }
}

export async function listGroups(
  context: EndpointContext,
  asked: JoinAsked,
): Promise<Listed<JoinGroup> & { key: JoinKey }> {
  const { key, bound } = await findJoin(context, asked)
  const after = parseCursor(groupsCursor, bound, asked.cursor)
  const page = await context.reader.joinCounts(key, { limit: asked.limit, after })
  return { key, items: page.items, cursor: formatCursor(groupsCursor, bound, page.next) }
}

async function findJoin(
  context: EndpointContext,
  { subject, source, pathToOther, dids, others }: JoinAsked,
): Promise<{ key: JoinKey; bound: CursorQuery }> {
  const key = await findKey(context, { subject, source })
  const otherTargets =
    others.length === 0 ? undefined : await Promise.all(others.map(async other => context.findOther(other)))
  const bound = { key, pathToOther, dids: dids?.toSorted(), otherTargets: otherTargets?.toSorted() }
  return { key: { ...key, pathToOther, dids, otherTargets }, bound }
}
