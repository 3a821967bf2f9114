import type { CursorChange, Gap } from './events.ts'
import type { Source } from './source.ts'
import { Watermark } from './watermark.ts'

/** A source as the operator sees it. */
export interface SourceStatus {
  source: string
  name: string
  connected: boolean
  /** Whether it has been connected at all since the start. */
  everConnected: boolean
  /** The newest position received, or the saved one. */
  cursor: number | undefined
  /** Upstream's time there, RFC 3339. */
  time: string
  /** What ended the last connection; empty while all is well. */
  lastError: string
}

/** When the silence of a source is suspicious although it answers pings. */
export interface Suspicion {
  /** How busy it must have been, fresh events a second. Default 5. */
  perSecond: number
  /** Over how long, milliseconds. Default 300,000. */
  forMs: number
  /** How long it may then be silent, milliseconds. Default 60,000. */
  silenceMs: number
}

const defaultSuspicion: Suspicion = { perSecond: 5, forMs: 5 * 60_000, silenceMs: 60_000 }

/** An event that is not older than this when it comes is fresh; what is older is replayed, and says nothing of the pace. */
const freshMs = 60_000

/** The smallest delay of so long counts, milliseconds: one host that sends late must not look like a lag of all. */
const delayWindowMs = 2_000

/** A replay begins within this of connecting; a source that has sent nothing by then has nothing, milliseconds. */
const replayBeginsMs = 5_000

/**
 * What is known of one source: its cursor, what was received, and whether something between was missed. It owns the
 * source's watermark, across connections.
 */
export class SourceState {
  readonly source: Source
  readonly watermark = new Watermark()
  lastError = ''
  readonly #onGap: (gap: Gap) => void
  readonly #suspicion: Suspicion
  readonly #now: () => number
  #saved: CursorChange | undefined
  #cursor: number | undefined
  #time: string
  #cursorIsItsOwn: boolean
  #seen: { cursor: number; names: string[] }
  #connected = false
  #everConnected = false
  #connectedAt = 0
  #pendingGap: { from: string; reason: Gap['reason'] } | undefined
  /** Gaps, and the frame behind each: with that one's position they are saved. */
  #gaps: { gap: Gap; index: number }[] = []
  #pace = { since: 0, fresh: 0, wasBusy: false }
  /** The smallest delays of the current window and the one before; empty until something was received. */
  #delays: { since: number; least: number }[] = []

  constructor(
    source: Source,
    saved: CursorChange | undefined,
    options: {
      onGap: (gap: Gap) => void
      suspicion?: Partial<Suspicion> | undefined
      now?: (() => number) | undefined
    },
  ) {
    this.source = source
    this.#saved = saved
    this.#cursor = saved?.cursor
    this.#time = saved?.time ?? ''
    this.#cursorIsItsOwn = saved !== undefined
    this.#seen = { cursor: saved?.cursor ?? 0, names: saved?.seen ?? [] }
    this.#onGap = options.onGap
    this.#suspicion = { ...defaultSuspicion, ...options.suspicion }
    this.#now = options.now ?? Date.now
  }

  /** The position to ask for; undefined for the live end. */
  get cursor(): number | undefined {
    return this.#cursor
  }

  /** Upstream's time of the newest event received, or saved. */
  get time(): string {
    return this.#time
  }

  get isConnected(): boolean {
    return this.#connected
  }

  /** When the newest connection was made, milliseconds since 1970; 0 before the first. */
  get connectedAt(): number {
    return this.#connectedAt
  }

  connected(): void {
    this.#connected = true
    this.#everConnected = true
    this.#connectedAt = this.#now()
    this.#pace = { since: this.#connectedAt, fresh: 0, wasBusy: false }
    this.#delays = []
    this.lastError = ''
  }

  disconnected(): void {
    this.#connected = false
  }

  /** An event was received, and added to the watermark, at this position; it settles whether a suspected gap is one. */
  received(cursor: number, time: string): void {
    if (this.#pendingGap) this.#settleGap(this.#pendingGap, time)
    this.#cursor = cursor
    this.#cursorIsItsOwn = true
    const at = Date.parse(time)
    if (Number.isNaN(at)) return
    this.#time = time
    const now = this.#now()
    const delay = now - at
    if (delay < freshMs) {
      this.#turnPace(now)
      this.#pace.fresh++
    }
    const current = this.#delays[0]
    if (current && now - current.since < delayWindowMs) current.least = Math.min(current.least, delay)
    else this.#delays = [{ since: now, least: delay }, ...this.#delays.slice(0, 1)]
  }

  #settleGap({ from, reason }: { from: string; reason: Gap['reason'] }, time: string): void {
    this.#pendingGap = undefined
    const isBehind = Date.parse(time) > Date.parse(from) || from === ''
    // The window that is left of a source that lost our place may reach back behind where we were: nothing is missing then.
    if (reason === 'future_cursor' && !isBehind) return
    const to = isBehind ? time : new Date(this.#now()).toISOString()
    const gap = { source: this.source.key, from, to, reason }
    this.#gaps.push({ gap, index: this.watermark.newest?.index ?? 0 })
    this.#onGap(gap)
  }

  /**
   * How late events are when they come, milliseconds: the least of the last seconds. Just connected, before the first
   * has come, the age of the last one that is known: what was missed meanwhile is about to come. 0 where nothing comes.
   */
  get delayMs(): number {
    const now = this.#now()
    if (this.#delays.length > 0) return Math.max(0, Math.min(...this.#delays.map(({ least }) => least)))
    const age = now - Date.parse(this.#time)
    return Number.isNaN(age) || now - this.#connectedAt > replayBeginsMs ? 0 : Math.max(0, age)
  }

  /** Something between `from` (by default, the last event received) and the next event may be missing. */
  missed(reason: Gap['reason'], from = this.#time): void {
    this.#pendingGap = { from, reason }
  }

  /** The source does not know our cursor: ask it for all it has. What we have seen of that is known by its revs. */
  restartFromTheOldest(): void {
    this.missed('future_cursor')
    this.#cursor = 0
  }

  /** Where to begin, for a source that has no cursor of its own. */
  beginAt(cursor: number | undefined): void {
    this.#cursor = cursor
    this.#cursorIsItsOwn = false
  }

  /** Whether the cursor is a position that this source itself gave. */
  get cursorIsItsOwn(): boolean {
    return this.#cursorIsItsOwn
  }

  /** Remembers an event at a position that other events may share. */
  seen(cursor: number, name: string): void {
    if (this.#seen.cursor === cursor) this.#seen.names.push(name)
    else this.#seen = { cursor, names: [name] }
  }

  /** Whether `seen` was told of this event; it remembers the newest position only. */
  wasSeenAt(cursor: number, name: string): boolean {
    return this.#seen.cursor === cursor && this.#seen.names.includes(name)
  }

  /**
   * How long silence is believed. A connection that was busy for minutes and then sends nothing, though it answers pings,
   * is worth a new one; a quiet network never is, nor one that is quiet again after a replay.
   */
  suspiciousSilenceMs(): number | undefined {
    this.#turnPace(this.#now())
    return this.#pace.wasBusy ? this.#suspicion.silenceMs : undefined
  }

  /** Ends the span over which the pace is measured, when it is over. */
  #turnPace(now: number): void {
    const ms = now - this.#pace.since
    if (ms < this.#suspicion.forMs) return
    this.#pace = { since: now, fresh: 0, wasBusy: this.#pace.fresh / (ms / 1000) > this.#suspicion.perSecond }
  }

  /** The cursor to save, where it moved since it was last asked. */
  takeCursor(): CursorChange | undefined {
    const reached = this.watermark.advance()
    if (!reached) return undefined
    const { cursor, time } = reached
    const seen = this.#seen.cursor === cursor ? [...this.#seen.names] : []
    const saved = this.#saved
    if (cursor === saved?.cursor && time === saved.time && seen.length === saved.seen.length) return undefined
    this.#saved = { source: this.source.key, cursor, time, seen }
    return this.#saved
  }

  /**
   * The gaps to save with the cursor: those that it has passed. Saved before, a gap would be found once more after a
   * crash; behind it, not at all.
   */
  takeGaps(): Gap[] {
    const reached = this.watermark.advance()?.index ?? 0
    const passed = this.#gaps.filter(({ index }) => index <= reached)
    if (passed.length > 0) this.#gaps = this.#gaps.filter(({ index }) => index > reached)
    return passed.map(({ gap }) => gap)
  }

  status(): SourceStatus {
    return {
      source: this.source.key,
      name: this.source.name,
      connected: this.#connected,
      everConnected: this.#everConnected,
      cursor: this.#cursor,
      time: this.#time,
      lastError: this.lastError,
    }
  }
}
