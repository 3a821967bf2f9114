import { type FirehoseEvent, pause } from '@orrery/firehose'
import { hrefOf } from '@orrery/server'
import { bold, cyan, dim } from './terminal.ts'

const like = 'app.bsky.feed.like'
const source = `${like}:subject.uri`

/** As many pairs as Constellation counts in one request. */
const maxTargets = 100

/** Watches what is liked, and asks a Constellation which of it is liked most. */
export class MostLiked {
  /** What was liked lately, the longest ago first. */
  readonly #targets = new Set<string>()
  readonly #url: string
  #last = ''

  /** @param url the Constellation's, `http://host:port` */
  constructor(url: string) {
    this.#url = url
  }

  /** Takes note of an event. */
  note(event: FirehoseEvent): void {
    if (event.kind !== 'commit') return
    for (const { collection, record } of event.ops) {
      const target = collection === like && record ? subjectOf(record) : undefined
      if (target === undefined) continue
      this.#targets.delete(target)
      this.#targets.add(target)
      const [oldest] = this.#targets
      if (this.#targets.size > maxTargets) this.#targets.delete(oldest!)
    }
  }

  /**
   * A line that tells of the most liked one, with the page that shows who likes it. Undefined where there is nothing new to
   * tell, or nobody to ask.
   */
  async next(signal: AbortSignal): Promise<string | undefined> {
    const pairs = Array.from(this.#targets, target => ({ target, source }))
    if (pairs.length === 0) return undefined
    const counts = await this.#count(pairs, signal).catch(() => undefined)
    const most = counts?.reduce((best, one) => (one.records > best.records ? one : best))
    if (!most || most.records === 0) return undefined
    const page = this.#url + hrefOf('/links/sources', { target: most.target })
    const text = `${bold(`♥ ${most.records}`)} ${dim('on the most liked post; who, and what else links to it:')} ${cyan(page)}`
    if (text === this.#last) return undefined
    this.#last = text
    return text
  }

  async #count(pairs: object[], signal: AbortSignal): Promise<{ target: string; records: number }[]> {
    const response = await fetch(`${this.#url}/links/counts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pairs }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    })
    return ((await response.json()) as { counts: { target: string; records: number }[] }).counts
  }
}

function subjectOf(record: Uint8Array): string | undefined {
  const { subject } = JSON.parse(Buffer.from(record).toString()) as { subject?: { uri?: unknown } | null }
  return typeof subject?.uri === 'string' ? subject.uri : undefined
}

/** Tells of the most liked every so often, until the signal. */
export async function tellMostLiked(
  most: MostLiked,
  { everyMs, say, signal }: { everyMs: number; say: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await pause(everyMs, signal)
    const line = await most.next(signal)
    if (line !== undefined && !signal.aborted) say(line)
  }
}
