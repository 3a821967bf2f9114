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

/** From this many events a second on, over five minutes, a minute without any is suspected. */
const busyPerSecond = 5
const busyForMs = 5 * 60_000
const suspiciousMs = 60_000

/**
 * What is known of one source: its cursor, what was received, and whether something between was missed. It owns the
 * source's watermark, across connections.
 */
export class SourceState {
  readonly source: Source
  readonly watermark = new Watermark()
  lastError = ''
  #onGap: (gap: Gap) => void
  #saved: CursorChange | undefined
  #cursor: number | undefined
  #time: string
  #cursorIsItsOwn: boolean
  #seen: { cursor: number; names: string[] }
  #connected = false
  #everConnected = false
  #connectedAt = 0
  #receivedNow = 0
  #delayMs = 0
  #pendingGap: { from: string; reason: Gap['reason'] } | undefined

  constructor(source: Source, saved: CursorChange | undefined, onGap: (gap: Gap) => void) {
    this.source = source
    this.#saved = saved
    this.#cursor = saved?.cursor
    this.#time = saved?.time ?? ''
    this.#cursorIsItsOwn = saved !== undefined
    this.#seen = { cursor: saved?.cursor ?? 0, names: saved?.seen ?? [] }
    this.#onGap = onGap
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

  connected(): void {
    this.#connected = true
    this.#everConnected = true
    this.#connectedAt = Date.now()
    this.#receivedNow = 0
    this.lastError = ''
  }

  disconnected(): void {
    this.#connected = false
  }

  /** An event was received at this position; it settles whether a suspected gap is one. */
  received(cursor: number, time: string): void {
    if (this.#pendingGap) {
      const { from, reason } = this.#pendingGap
      this.#pendingGap = undefined
      // The window that is left may reach back behind where we were: then nothing is missing.
      if (!(Date.parse(time) <= Date.parse(from)))
        this.#onGap({ source: this.source.key, from, to: time, reason })
    }
    this.#receivedNow++
    this.#cursor = cursor
    this.#cursorIsItsOwn = true
    if (time === '') return
    this.#time = time
    this.#delayMs = Date.now() - Date.parse(time)
  }

  /** How late the newest event was when it came, milliseconds; 0 before the first. */
  get delayMs(): number {
    return Number.isNaN(this.#delayMs) ? 0 : this.#delayMs
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
   * is worth a new one; a quiet network never is.
   */
  suspiciousSilenceMs(): number | undefined {
    const ageMs = Date.now() - this.#connectedAt
    const busy = ageMs > busyForMs && this.#receivedNow / (ageMs / 1000) > busyPerSecond
    return busy ? suspiciousMs : undefined
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
