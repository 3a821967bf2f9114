import { accountOf } from '@orrery/links'
import type { LogBlock } from '@orrery/server'
import { blockEntries } from '../block.ts'
import type { LinkEntry, Stream } from '../entry.ts'
import { TextTable } from './text-table.ts'
import { type LinkFilter, passes, type Wanted } from './filter.ts'

/** A filter that is in the index, for all subscribers who want the same. */
interface Entered {
  readonly filter: LinkFilter
  subscribers: number
  /** It is in what was matched of a block from this number on. */
  readonly since: number
  /** The last entry that it was asked about, by its number, so that it is asked once. */
  asked: number
}

interface Matches {
  /** Which of the block's entries each filter wants; what is missing wants none. */
  readonly chosen: Map<Entered, number[]>
  readonly madeAt: number
}

/**
 * Finds who wants an entry by looking the entry up among all filters, not by asking each: what matching costs follows the
 * number of matches. A filter is found by the rarest thing that it names: subjects, else authors, else sources.
 */
export class Matcher {
  readonly #stream: Stream
  #entered = new Map<string, Entered>()
  #bySubject = new TextTable<Entered>()
  #bySubjectDid = new TextTable<Entered>()
  #byPrefix = new TextTable<Entered>()
  /** How many prefixes have each length. */
  #prefixLengths = new Map<number, number>()
  #byAuthor = new TextTable<Entered>()
  /** Those that name sources or nothing, to be asked each, once for a source. */
  #bySource = new Set<Entered>()
  #any = new Set<Entered>()
  #knownSources = new Map<string, Entered[]>()
  #changes = 0
  /** Entries that all filters were asked about. */
  #asked = 0
  #matched = new WeakMap<LogBlock, Matches>()

  constructor(stream: Stream) {
    this.#stream = stream
  }

  /** How many different filters there are. */
  get size(): number {
    return this.#entered.size
  }

  /** Takes a filter in for one subscriber, and answers the one to give to the hub: those that want the same share one. */
  add(filter: LinkFilter): LinkFilter {
    const known = this.#entered.get(filter.key)
    if (known) {
      known.subscribers++
      return known.filter
    }
    const since = ++this.#changes
    const entered: Entered = {
      subscribers: 1,
      since,
      asked: 0,
      filter: { ...filter, select: block => this.#select(block, entered) },
    }
    this.#entered.set(filter.key, entered)
    this.#enter(entered, true)
    return entered.filter
  }

  /** Lets a filter go that was taken in, for one subscriber. */
  remove({ key }: LinkFilter): void {
    const entered = this.#entered.get(key)
    if (!entered || --entered.subscribers > 0) return
    this.#entered.delete(key)
    this.#enter(entered, false)
  }

  #select(block: LogBlock, entered: Entered): readonly number[] | undefined {
    let matches = this.#matched.get(block)
    if (!matches) {
      matches = { chosen: this.#match(blockEntries(block)), madeAt: this.#changes }
      this.#matched.set(block, matches)
    }
    // Who came later, or was let go of meanwhile, looks for itself.
    const isIn = entered.since <= matches.madeAt && entered.subscribers > 0
    const chosen = isIn ? (matches.chosen.get(entered) ?? []) : this.#alone(block, entered.filter.wanted)
    return chosen.length === block.count ? undefined : chosen
  }

  #alone(block: LogBlock, wanted: Wanted): number[] {
    const chosen: number[] = []
    for (const [i, entry] of blockEntries(block).entries()) {
      if (passes(entry, wanted, this.#stream)) chosen.push(i)
    }
    return chosen
  }

  #match(entries: readonly LinkEntry[]): Matches['chosen'] {
    const chosen = new Map<Entered, number[]>()
    for (const [i, entry] of entries.entries()) {
      this.#asked++
      const ask = (some: Iterable<Entered>): void => {
        for (const entered of some) {
          if (entered.asked === this.#asked) continue
          entered.asked = this.#asked
          if (!passes(entry, entered.filter.wanted, this.#stream)) continue
          const indices = chosen.get(entered)
          if (indices) indices.push(i)
          else chosen.set(entered, [i])
        }
      }
      const { subject, source, did } = entry
      if (this.#any.size > 0) ask(this.#any)
      ask(this.#bySubject.get(subject))
      if (this.#bySubjectDid.size > 0) ask(this.#bySubjectDid.get(accountOf(subject) ?? ''))
      for (const length of this.#prefixLengths.keys()) {
        if (length <= subject.length) ask(this.#byPrefix.get(subject.slice(0, length)))
      }
      ask(this.#byAuthor.get(did))
      if (this.#bySource.size > 0) ask(this.#ofSource(source))
    }
    return chosen
  }

  #ofSource(source: string): readonly Entered[] {
    let some = this.#knownSources.get(source)
    if (!some) {
      some = [...this.#bySource].filter(({ filter }) => filter.wanted.fitsSource(source))
      // Sources are anybody's to invent; the memory of them is not.
      if (this.#knownSources.size < 10_000) this.#knownSources.set(source, some)
    }
    return some
  }

  #enter(entered: Entered, isIn: boolean): void {
    const { wanted } = entered.filter
    const put = (table: TextTable<Entered>, text: string): void => {
      if (isIn) table.add(text, entered)
      else table.remove(text, entered)
    }
    if (!wanted.anySubject) {
      for (const subject of wanted.subjects) put(this.#bySubject, subject)
      for (const did of wanted.subjectDids) put(this.#bySubjectDid, did)
      for (const prefix of wanted.subjectPrefixes) {
        put(this.#byPrefix, prefix)
        const count = (this.#prefixLengths.get(prefix.length) ?? 0) + (isIn ? 1 : -1)
        if (count > 0) this.#prefixLengths.set(prefix.length, count)
        else this.#prefixLengths.delete(prefix.length)
      }
    } else if (wanted.authors.size > 0) {
      for (const did of wanted.authors) put(this.#byAuthor, did)
    } else {
      const some = wanted.anySource ? this.#any : this.#bySource
      if (isIn) some.add(entered)
      else some.delete(entered)
      if (!wanted.anySource) this.#knownSources.clear()
    }
  }
}
