import { type LinkEntry, modes } from '../entry.ts'
import { type Pack, unpackEntries } from './pack.ts'
import type { Span } from './writer.ts'

/** Entries of one commit that wait, as they lie on disk: there are tens of thousands of them, and objects are five times that. */
interface HeldCommit {
  readonly pack: Pack
  readonly firstUs: number
  readonly lastUs: number
  readonly count: number
  readonly undone: Span[]
}

/** Entries in the order of the log that wait for their time: what was undone meanwhile does not come out. */
export class HeldEntries {
  #commits: HeldCommit[] = []
  /** Those before it are out, or in `#next`. */
  #from = 0
  /** Of the commit that is next. Those before `#nextAt` are out. */
  #next: LinkEntry[] = []
  #nextAt = 0
  #count = 0
  readonly #delayUs: number

  constructor(delayUs: number) {
    this.#delayUs = delayUs
  }

  get count(): number {
    return this.#count
  }

  /** From when on the next one may come out. */
  get nextUs(): number | undefined {
    const next = this.#next[this.#nextAt]?.timeUs ?? this.#commits[this.#from]?.firstUs
    return next === undefined ? undefined : next + this.#delayUs + 1
  }

  /** Takes a commit's entries, which `pack` has. */
  push(pack: Pack, entries: readonly LinkEntry[]): void {
    if (entries.length === 0) return
    this.#commits.push({
      // Copied, as what comes from another thread or from disk may be a part of something larger.
      pack: { texts: new Uint8Array(pack.texts), numbers: new Uint8Array(pack.numbers) },
      firstUs: entries[0]!.timeUs,
      lastUs: entries.at(-1)!.timeUs,
      count: entries.length,
      undone: [],
    })
    this.#count += entries.length
  }

  /** Takes a span out that is held. All of it is of one commit. */
  undo(span: Span): void {
    takeOut(this.#next, span)
    this.#commitAt(span.firstUs)?.undone.push(span)
  }

  /** Takes out up to `limit` entries that were held for the delay by `nowUs`: no version from then on can undo them. */
  release(nowUs: number, limit: number): LinkEntry[] {
    const released: LinkEntry[] = []
    while (released.length < limit) {
      const entry = this.#peek()
      if (!entry || entry.timeUs + this.#delayUs >= nowUs) break
      released.push(entry)
      this.#nextAt++
    }
    this.#count -= released.length
    return released
  }

  #peek(): LinkEntry | undefined {
    if (this.#nextAt < this.#next.length) return this.#next[this.#nextAt]
    this.#next = []
    this.#nextAt = 0
    const commit = this.#commits[this.#from]
    if (!commit) return undefined
    this.#next = unpackEntries(commit.pack)
    for (const span of commit.undone) takeOut(this.#next, span)
    if (++this.#from > this.#commits.length / 2) {
      this.#commits = this.#commits.slice(this.#from)
      this.#from = 0
    }
    return this.#next[0]
  }

  #commitAt(timeUs: number): HeldCommit | undefined {
    let low = this.#from
    let high = this.#commits.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#commits[middle]!.lastUs < timeUs) low = middle + 1
      else high = middle
    }
    return this.#commits[low]
  }
}

/** Marks entries that were undone while they were held. */
export function takeOut(entries: readonly LinkEntry[], { firstUs, lastUs }: Span): void {
  for (const entry of entries) {
    if (entry.timeUs >= firstUs && entry.timeUs <= lastUs) entry.delayed = modes.none
  }
}
