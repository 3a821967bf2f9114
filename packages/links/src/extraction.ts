import { maxDepth } from '@orrery/repo'
import type { LinkKind, Target } from './target.ts'

/** A link in a record. */
export interface Link {
  /** Where it stands: `.key` for a member, `[]` for an item, `[type]` for an item that is an object with a `$type`. */
  path: string
  kind: LinkKind
  /** What it links to, normalised. */
  target: string
}

/** The links of a record, and how many of them were left out for exceeding a limit. */
export interface Extraction {
  /** In document order: members by the UTF-8 bytes of their keys, items as they stand. Doubles are kept. */
  links: Link[]
  /** Links beyond `maxLinks`. */
  tooMany: number
  /** Links whose target or path exceeds its length. They do not count towards `maxLinks`. */
  tooLong: number
  /** Arrays and objects nested too deep, whatever they hold. */
  tooDeep: number
}

export interface Limits {
  /** Links of one record. Default 10,000. */
  maxLinks: number
  /** Characters of a target. Default 8,192, which is the limit of AT-URIs. */
  maxTargetLength: number
  /** Characters of a path. Default 2,048. */
  maxPathLength: number
}

export const defaultLimits: Readonly<Limits> = {
  maxLinks: 10_000,
  maxTargetLength: 8_192,
  maxPathLength: 2_048,
}

/**
 * How many arrays and objects of JSON may stand one in another: one more than the data model allows, as `$link` and
 * `$bytes` are objects in JSON alone.
 */
export const maxLevels = maxDepth + 1

export function emptyExtraction(): Extraction {
  return { links: [], tooMany: 0, tooLong: 0, tooDeep: 0 }
}

/** Adds a link, or counts it where it exceeds a limit. */
export function addLink(out: Extraction, limits: Limits, path: string, { kind, target }: Target): void {
  if (target.length > limits.maxTargetLength || path.length > limits.maxPathLength) out.tooLong++
  else if (out.links.length >= limits.maxLinks) out.tooMany++
  else out.links.push({ path, kind, target })
}
