import { modes, type LinkEntry, type Mode } from '../entry.ts'

/** A link of a record: its path, with the leading dot where it has one, and its target. */
export interface RecordLink {
  path: string
  target: string
}

/** What is known of the newest version of a record. */
export interface KnownVersion {
  /** When it came: the place of its first entry in the log. */
  atUs: number
  /** How many entries it has there. */
  entries: number
  links: readonly RecordLink[]
  /** What the record linked to in the version before that was not undone; it counts as long as this one is held. */
  base: readonly RecordLink[]
}

/** What becomes of a record with a new version. */
export interface NextVersion {
  known: KnownVersion
  /** Entries without what they share: gone links first, then the version's own in document order. */
  entries: Pick<LinkEntry, 'operation' | 'instant' | 'delayed'>[]
  links: RecordLink[]
  /** Whether the version before is undone: it was still held. */
  undoes: boolean
}

/**
 * What a record's new version means for both streams. The instant stream tells the difference from the version before. The
 * delayed stream shows versions that stood for the delay, and tells the difference from the last one that did; a version
 * that comes earlier takes the place of the one that is held, with all its links.
 *
 * `atUs` is after the version before. A deletion is a version without links. A link that is in a record twice is told twice
 * to whom all creates are told, and is one change.
 */
export function nextVersion(
  before: KnownVersion | undefined,
  links: readonly RecordLink[],
  atUs: number,
  delayUs: number,
): NextVersion {
  const undoes = before !== undefined && atUs <= before.atUs + delayUs
  const base = (undoes ? before.base : before?.links) ?? []
  const had = namesOf(before?.links ?? [])
  const stood = base === before?.links ? had : namesOf(base)
  const has = namesOf(links)
  const next: NextVersion = { known: { atUs, entries: 0, links, base }, entries: [], links: [], undoes }
  const gone = new Set<string>()
  for (const link of [...(before?.links ?? []), ...(base === before?.links ? [] : base)]) {
    const name = nameOf(link)
    if (has.has(name) || gone.has(name)) continue
    gone.add(name)
    next.links.push(link)
    next.entries.push({ operation: 'delete', instant: goneMode(had, name), delayed: goneMode(stood, name) })
  }
  for (const link of links) {
    const name = nameOf(link)
    // The second of two that are the same is no change.
    const isFirst = has.delete(name)
    next.links.push(link)
    next.entries.push({
      operation: 'create',
      instant: isFirst && !had.has(name) ? modes.change : modes.again,
      delayed: isFirst && !stood.has(name) ? modes.change : modes.again,
    })
  }
  next.known.entries = next.entries.length
  return next
}

function goneMode(names: ReadonlySet<string>, name: string): Mode {
  return names.has(name) ? modes.change : modes.none
}

function namesOf(links: readonly RecordLink[]): Set<string> {
  return new Set(links.map(nameOf))
}

/** No target has a space in it. */
function nameOf({ path, target }: RecordLink): string {
  return `${target} ${path}`
}
