import { hash } from 'node:crypto'
import { isValidNsid } from '@atproto/syntax'
import { accountOf, isDid, normaliseTarget } from '@orrery/links'
import type { Filter, LogBlock } from '@orrery/server'
import { blockEntries } from '../block.ts'
import { collectionOf, type LinkEntry, modes, type Operation, type Stream } from '../entry.ts'

/** What a subscriber wants, as it says it: in the query, or in an `options_update`. Empty lists do not restrict. */
export interface FilterParams {
  subjects: readonly string[]
  subjectPrefixes: readonly string[]
  subjectDids: readonly string[]
  sources: readonly string[]
  sourceCollections: readonly string[]
  authors: readonly string[]
  operations: readonly string[]
}

export type ListName = keyof FilterParams

/** The lists on the wire: their names, and how many different values each may have. */
export const lists: Readonly<Record<ListName, { param: string; max: number }>> = {
  subjects: { param: 'wantedSubjects', max: 50_000 },
  subjectPrefixes: { param: 'wantedSubjectPrefixes', max: 100 },
  subjectDids: { param: 'wantedSubjectDids', max: 10_000 },
  sources: { param: 'wantedSources', max: 1_000 },
  sourceCollections: { param: 'wantedSourceCollections', max: 100 },
  authors: { param: 'wantedAuthors', max: 10_000 },
  operations: { param: 'wantedOperations', max: 2 },
}

export const listNames = Object.keys(lists) as ListName[]

/** A subscriber's lists, made ready for looking things up. */
export interface Wanted {
  readonly subjects: ReadonlySet<string>
  readonly subjectPrefixes: readonly string[]
  readonly subjectDids: ReadonlySet<string>
  readonly authors: ReadonlySet<string>
  /** Whether any of the three subject lists restricts. */
  readonly anySubject: boolean
  readonly anySource: boolean
  fitsSource(source: string): boolean
  /** Undefined: creates, those that were there before too, which is what old clients expect. */
  readonly operations: ReadonlySet<string> | undefined
}

/** A filter of ours: the hub's, and what it was made of. */
export interface LinkFilter extends Filter {
  readonly wanted: Wanted
}

/** Thrown for a filter that cannot be; `message` names the parameter and the value. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
}

/**
 * Makes the filter of a subscriber to a stream: any of the subjects, prefixes or DIDs, and of the sources or collections,
 * and of the authors. Subjects are taken in any form that has a normal one.
 *
 * @throws FilterError
 */
export function createFilter(params: FilterParams, stream: Stream): LinkFilter {
  const unique = Object.fromEntries(
    listNames.map(name => [name, distinct(name, params[name])]),
  ) as unknown as Record<ListName, string[]>
  // What has no normal form cannot be the subject of any link; it selects nothing, as it always did.
  const subjects = unique.subjects.map(subject => normaliseTarget(subject) ?? subject)
  const subjectPrefixes = unique.subjectPrefixes.map(normalisePrefix)
  for (const did of unique.authors) {
    if (!isDid(did)) throw new FilterError(`wantedAuthors: ${shown(did)} is not a DID`)
  }
  for (const operation of unique.operations) {
    if (operation !== 'create' && operation !== 'delete') {
      throw new FilterError(`wantedOperations: ${shown(operation)} is neither create nor delete`)
    }
  }
  const sourceLists = [unique.sources, unique.sourceCollections] as const
  const wanted: Wanted = {
    subjects: new Set(subjects),
    subjectPrefixes,
    subjectDids: new Set(unique.subjectDids),
    authors: new Set(unique.authors),
    anySubject: subjects.length + subjectPrefixes.length + unique.subjectDids.length === 0,
    anySource: unique.sources.length + unique.sourceCollections.length === 0,
    fitsSource: createSourceTest(...sourceLists),
    operations: unique.operations.length === 0 ? undefined : new Set(unique.operations),
  }
  return {
    key: keyOf([
      subjects,
      subjectPrefixes,
      unique.subjectDids,
      ...sourceLists,
      unique.authors,
      unique.operations,
    ]),
    wanted,
    select: (block: LogBlock) => chooseAlone(block, wanted, stream),
  }
}

/** Whether an entry is wanted. */
export function passes(entry: LinkEntry, wanted: Wanted, stream: Stream): boolean {
  return (
    fitsOperation(entry, wanted.operations, stream) &&
    (wanted.anySubject || fitsSubject(entry.subject, wanted)) &&
    (wanted.authors.size === 0 || wanted.authors.has(entry.did)) &&
    (wanted.anySource || wanted.fitsSource(entry.source))
  )
}

function fitsOperation(entry: LinkEntry, operations: Wanted['operations'], stream: Stream): boolean {
  if (!operations) return entry.operation === ('create' satisfies Operation)
  return entry[stream] === modes.change && operations.has(entry.operation)
}

function fitsSubject(subject: string, { subjects, subjectPrefixes, subjectDids }: Wanted): boolean {
  if (subjects.has(subject)) return true
  if (subjectDids.size > 0 && subjectDids.has(accountOf(subject) ?? '')) return true
  return subjectPrefixes.some(prefix => subject.startsWith(prefix))
}

function chooseAlone(block: LogBlock, wanted: Wanted, stream: Stream): readonly number[] | undefined {
  const entries = blockEntries(block)
  const chosen: number[] = []
  for (const [i, entry] of entries.entries()) if (passes(entry, wanted, stream)) chosen.push(i)
  return chosen.length === entries.length ? undefined : chosen
}

/**
 * A test for sources: `collection:path` as it is, `[*]` in a path for any array, whatever the types of its items; and
 * collections, or all under `ns.*`.
 *
 * @throws FilterError for a collection that cannot be
 */
function createSourceTest(
  sources: readonly string[],
  collections: readonly string[],
): (source: string) => boolean {
  const exact = new Set(sources.filter(source => !source.includes('[*]')))
  const patterns = sources.filter(source => source.includes('[*]')).map(wildcard)
  const exactCollections = new Set<string>()
  const namespaces: string[] = []
  for (const collection of collections) {
    const isNamespace = collection.endsWith('.*')
    // With what may follow, a namespace is an NSID.
    if (!isValidNsid(isNamespace ? `${collection.slice(0, -1)}more.name` : collection)) {
      throw new FilterError(
        `wantedSourceCollections: ${shown(collection)} is no collection; try app.bsky.feed.like or app.bsky.graph.*`,
      )
    }
    if (isNamespace) namespaces.push(collection.slice(0, -1))
    else exactCollections.add(collection)
  }
  const isPlain = patterns.length === 0 && namespaces.length === 0 && exactCollections.size === 0
  if (isPlain) return source => exact.has(source)
  const fits = (source: string): boolean => {
    const collection = collectionOf(source)
    return (
      exact.has(source) ||
      exactCollections.has(collection) ||
      namespaces.some(head => collection.startsWith(head)) ||
      patterns.some(pattern => pattern.test(source))
    )
  }
  return remembered(fits)
}

/** There are a few dozen sources over and over. They are anybody's to invent; the memory of them is not. */
function remembered(fits: (source: string) => boolean): (source: string) => boolean {
  const known = new Map<string, boolean>()
  return source => {
    let fit = known.get(source)
    if (fit === undefined) {
      fit = fits(source)
      if (known.size < 1_000) known.set(source, fit)
    }
    return fit
  }
}

/** No bracket is part of what `[*]` stands for, so there is one way to match and the time is that of reading. */
function wildcard(source: string): RegExp {
  const parts = source.split('[*]').map(part => part.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join(String.raw`\[[^\]]*\]`)}$`, 'su')
}

/** The scheme and the host that a prefix begins with are in lower case, as all subjects have them. */
function normalisePrefix(prefix: string): string {
  const hasUser = /^[^:/?#]*:\/\/[^/?#]*@/.test(prefix)
  const head = hasUser ? /^[^:/?#]*:/ : /^[A-Za-z][A-Za-z0-9+.-]*:(\/\/[^/?#%:]*)?/
  return prefix.replace(head, text => text.toLowerCase())
}

/** Before what is there twice is taken out, a list ten times as long is refused unread. */
const rawFactor = 10

function distinct(name: ListName, values: readonly string[]): string[] {
  const { param, max } = lists[name]
  const unique = values.length > max * rawFactor ? undefined : new Set(values)
  if (!unique || unique.size > max) throw new FilterError(`too many ${param}: at most ${max}`)
  return [...unique]
}

/** Filters that want the same have the same key, in whatever order they say it. */
function keyOf(values: readonly (readonly string[])[]): string {
  return hash('sha256', JSON.stringify(values.map(list => list.toSorted())), 'base64url')
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 80))
}
