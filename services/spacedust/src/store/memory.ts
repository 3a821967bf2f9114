import { createMemoryProgress, type MemoryProgress } from '@orrery/firehose'
import type { HubLog } from '@orrery/server'
import { blockFor } from '../block.ts'
import { type LinkEntry, type Mode, modes, sourceOf, type Stream } from '../entry.ts'
import type { Appended, Change, LinkLog, RecordBody, RetainBefore } from '../store.ts'
import { tidOf } from './tid.ts'
import type { RecordLink } from './versions.ts'

export interface MemoryLinkLogOptions {
  /** How long links are held, milliseconds. */
  delayMs: number
  /** Milliseconds since 1970. Where it goes back, the log's time stands still meanwhile. */
  now: () => number
}

/** A log that ends with the process. */
export interface MemoryLinkLog extends LinkLog {
  readonly progress: MemoryProgress
}

/** A record as it was from one commit to the next; without links where it was deleted, or linked to nothing. */
interface Version {
  did: string
  collection: string
  rkey: string
  rev: string
  links: readonly RecordLink[]
  body: RecordBody | undefined
  atUs: number
  /** The one before, as far as that is remembered. */
  before: Version | undefined
  entries: LinkEntry[]
  /** Another took its place while it was held. */
  isUndone: boolean
}

/**
 * What a log of links does, said the plain way: all versions of all records in a list, which is looked through for every
 * answer. It is what the log in SQLite is compared with.
 */
export function createMemoryLinkLog({ delayMs, now }: MemoryLinkLogOptions): MemoryLinkLog {
  const delayUs = delayMs * 1000
  let seenUs = 0
  const nowUs = (): number => (seenUs = Math.max(seenUs, Math.floor(now() * 1000)))
  const progress = createMemoryProgress()
  let versions: Version[] = []
  let known = new Map<string, Version>()
  let lastUs = 0
  /** Everything that was seen the delay before this is out. */
  let releasedUs = 0
  let oldestUs = 0
  let bodiesUs = 0

  /** Of a version and those before it the newest that stood for the delay, where the next came at `nextUs`. */
  function stood(version: Version | undefined, nextUs: number): Version | undefined {
    if (!version || nextUs > version.atUs + delayUs) return version
    return stood(version.before, version.atUs)
  }

  function add(version: Omit<Version, 'atUs' | 'before' | 'entries' | 'isUndone'>): Version | undefined {
    const key = keyOf(version)
    const before = known.get(key)
    if (!before && version.links.length === 0) return undefined
    const atUs = Math.max(nowUs(), lastUs + 1)
    const shown = stood(before, atUs)
    if (before && before !== shown) before.isUndone = true
    const links = { instant: before?.links ?? [], delayed: shown?.links ?? [] }
    const made: Version = { ...version, atUs, before, entries: [], isUndone: false }
    const enter = ({ path, target }: RecordLink, entry: Pick<LinkEntry, 'operation' | Stream>): void => {
      const { collection, did, rkey, rev } = version
      const source = sourceOf(collection, path)
      const timeUs = atUs + made.entries.length
      made.entries.push({ timeUs, ...entry, source, did, rkey, rev, subject: target })
    }
    const gone = [...links.instant, ...links.delayed].filter(link => !has(version.links, link))
    for (const [i, link] of gone.entries()) {
      if (has(gone.slice(0, i), link)) continue
      const mode = (stream: Stream): Mode => (has(links[stream], link) ? modes.change : modes.none)
      enter(link, { operation: 'delete', instant: mode('instant'), delayed: mode('delayed') })
    }
    for (const [i, link] of version.links.entries()) {
      const isSecond = has(version.links.slice(0, i), link)
      const mode = (stream: Stream): Mode =>
        isSecond || has(links[stream], link) ? modes.again : modes.change
      enter(link, { operation: 'create', instant: mode('instant'), delayed: mode('delayed') })
    }
    lastUs = atUs + Math.max(0, made.entries.length - 1)
    known.set(key, made)
    versions.push(made)
    return before && before !== shown && before.entries.length > 0 ? before : undefined
  }

  function apply(change: Exclude<Change, { kind: 'delete_account' }>): Version | undefined {
    const [links, body] = change.kind === 'put' ? [change.links, change.body] : [[], undefined]
    return add({ ...change, links, body })
  }

  /** All that an account linked to before a time is gone; such a deletion has no rev, but a TID of the time. */
  function leave(did: string, beforeUs: number): (Version | undefined)[] {
    return [...known.values()]
      .filter(version => version.did === did && version.links.length > 0 && version.atUs < beforeUs)
      .toSorted((a, b) => a.atUs - b.atUs)
      .map(version => {
        const rev = tidOf({ us: Math.max(nowUs(), lastUs + 1), clock: 0 })
        return add({ ...version, rev, links: [], body: undefined })
      })
  }

  const shownIn = (stream: Stream): LinkEntry[] =>
    versions
      .filter(version => stream === 'instant' || !version.isUndone)
      .flatMap(({ entries }) => entries)
      .filter(entry => entry[stream] !== modes.none)
      .filter(({ timeUs }) => stream === 'instant' || timeUs + delayUs < releasedUs)

  const held = (): LinkEntry[] =>
    versions.flatMap(({ entries }) => entries).filter(({ timeUs }) => timeUs + delayUs >= releasedUs)

  function view(stream: Stream): HubLog {
    let last = 0
    const from = (position: number) =>
      blockFor(
        stream,
        shownIn(stream).filter(({ timeUs }) => timeUs >= position),
      )
    return {
      get last() {
        return (last = Math.max(last, shownIn(stream).at(-1)?.timeUs ?? 0))
      },
      get oldest() {
        return oldestUs
      },
      inMemory: from,
      read: async position => from(position),
    }
  }

  return {
    progress,
    instant: view('instant'),
    delayed: view('delayed'),
    memoryBytes: 0,
    get held() {
      return held().length
    },
    get nextReleaseUs() {
      const [next] = held()
      return next && next.timeUs + delayUs + 1
    },
    async append(changes, saved): Promise<Appended> {
      const before = versions.length
      const leaving = new Map<string, number>()
      const undone = changes.map(change => {
        if (change.kind !== 'delete_account') return apply(change)
        leaving.set(change.did, (lastUs = Math.max(nowUs(), lastUs + 1)))
        return undefined
      })
      for (const did of [...leaving.keys()].toSorted()) undone.push(...leave(did, leaving.get(did)!))
      if (saved) progress.save(saved)
      const entries = versions.slice(before).flatMap(version => version.entries)
      return { entries: entries.length, undone: undone.filter(Boolean).length, isMoreLeft: false }
    },
    release() {
      const before = shownIn('delayed').length
      releasedUs = nowUs()
      return shownIn('delayed').length > before
    },
    bodies: async positions =>
      positions.map(at => {
        const version = versions.find(({ entries }) => entries.some(({ timeUs }) => timeUs === at))
        const entry = version?.entries.find(({ timeUs }) => timeUs === at)
        return entry?.operation === 'create' && at >= bodiesUs ? version?.body : undefined
      }),
    async retain(before: RetainBefore) {
      // What is held is kept, whatever its age.
      const fromUs = Math.min(before.logUs, nowUs() - delayUs)
      versions = versions.filter(({ atUs }) => atUs >= fromUs)
      oldestUs = Math.max(oldestUs, Math.min(fromUs, lastUs + 1))
      known = new Map([...known].filter(([, { atUs }]) => atUs >= before.recordsUs))
      bodiesUs = Math.max(bodiesUs, before.bodiesUs)
    },
    async [Symbol.asyncDispose]() {},
  }
}

function has(links: readonly RecordLink[], { path, target }: RecordLink): boolean {
  return links.some(link => link.path === path && link.target === target)
}

function keyOf({ did, collection, rkey }: Pick<Version, 'did' | 'collection' | 'rkey'>): string {
  return `${did}/${collection}/${rkey}`
}
