import type { FirehoseEvent } from '@orrery/firehose'
import { bold, dim } from './terminal.ts'

/** Every so many records are read for when they were made. */
const sampleEvery = 20

/** The collections that are worth a place in the line, and what they are called there. */
const shown = {
  'app.bsky.feed.like': 'likes',
  'app.bsky.feed.post': 'posts',
  'app.bsky.feed.repost': 'reposts',
  'app.bsky.graph.follow': 'follows',
} as const

/** Counts what goes in and comes out, for a line of the last moments. */
export class RateLine {
  total = 0
  readonly #sent: () => number
  readonly #now: () => number
  #since: { at: number; sent: number; total: number }
  #byCollection = new Map<string, number>()
  #delaysMs: number[] = []

  /** `sent` answers how much went in so far; `now` is the clock, milliseconds since 1970. */
  constructor(sent: () => number, now: () => number = Date.now) {
    this.#sent = sent
    this.#now = now
    this.#since = { at: now(), sent: sent(), total: 0 }
  }

  /** Takes note of an event that came out. */
  count(event: FirehoseEvent): void {
    if (event.kind !== 'commit') return
    for (const { collection, record } of event.ops) {
      this.#byCollection.set(collection, (this.#byCollection.get(collection) ?? 0) + 1)
      if (this.total++ % sampleEvery > 0 || !record) continue
      const { createdAt } = JSON.parse(Buffer.from(record).toString()) as { createdAt?: unknown }
      if (typeof createdAt === 'string') this.#delaysMs.push(this.#now() - Date.parse(createdAt))
    }
  }

  /** The line for the time since the last one. */
  next(): string {
    const now = this.#now()
    const sent = this.#sent()
    const seconds = Math.max(0.001, (now - this.#since.at) / 1000)
    const out = this.total - this.#since.total
    const delays = this.#delaysMs.toSorted((a, b) => a - b)
    const median = delays[Math.floor(delays.length / 2)]
    const shares = Object.entries(shown).map(([collection, name]) => {
      const share = out === 0 ? 0 : (this.#byCollection.get(collection) ?? 0) / out
      return `${name} ${Math.round(share * 100)} %`
    })
    const parts = [
      dim(new Date(now).toISOString().slice(11, 19)),
      `in ${bold(perSecond((sent - this.#since.sent) / seconds))}`,
      `out ${bold(perSecond(out / seconds))}`,
      median === undefined ? '' : `${Math.round(median)} ms later`,
      dim(shares.join('  ')),
      dim(`${this.total.toLocaleString('en')} in all`),
    ]
    this.#since = { at: now, sent, total: this.total }
    this.#byCollection.clear()
    this.#delaysMs = []
    return parts.filter(Boolean).join('   ')
  }
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`
}
