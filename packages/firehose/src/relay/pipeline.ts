import {
  type AccountFrame,
  type FramePeek,
  frameLimits,
  type IdentityFrame,
  peekFrame,
  readFrame,
  RepoError,
} from '@orrery/repo'
import { isValidDid } from '@atproto/syntax'
import type { AccountBook } from '../accounts.ts'
import type { DropReason } from '../drops.ts'
import type { Outbox } from '../outbox.ts'
import type { FirehoseStats } from '../stats.ts'
import { plausibleTime } from '../time.ts'
import type { VerifyPool } from '../verify/pool.ts'
import type { Verdict } from '../verify/verdict.ts'
import type { Watermark } from '../watermark.ts'
import { createJudge, type Judge } from './judge.ts'
import type { KeyAnswer, KeySource, VerifyMode } from './keys.ts'
import { areTwins, earliest, isEarlier, isReady, type Item, Lanes } from './lanes.ts'

export interface PipelineOptions {
  mode: VerifyMode
  /** Absent under `off`. */
  keys: KeySource | undefined
  /** Told of #identity events, so that the next look-up is a fresh one. */
  purgeIdentity: (did: string) => void
  pool: Pick<VerifyPool, 'submit'>
  book: AccountBook
  outbox: Outbox
  stats: FirehoseStats
  /** When it aborts, what is under way stays undone: a restart gets it again. */
  signal: AbortSignal
  /** Whether several sources bring the same events, so that a commit missing from one may come from another. */
  merging: boolean
  /**
   * How long, when merging, a commit that does not follow on the last is held back for the one between, milliseconds.
   * Default 5,000: relays differ by some hundred milliseconds, and a source that reconnects is back within seconds.
   */
  holdMs?: number | undefined
  /** Told of each dropped frame or operation: for a log that is sparing with itself. */
  onDrop?: ((reason: DropReason, did: string, detail: string) => void) | undefined
  /** Told of what fails on our side while nobody waits for it, such as a store that cannot be read. */
  onFailure: (error: unknown) => void
  now?: (() => number) | undefined
}

/** From how much under way on no more is read from the sources. */
const maxItems = 10_000
const maxBytes = 64 * 1024 * 1024

/** What a frame was, for who reads the connection. */
export type Accepted =
  | 'event'
  | 'passed_over'
  | { info: string; message: string }
  | { error: string; message: string }

const noBytes = new Uint8Array(0)

/**
 * From frames to events. Each frame is routed by its DID, its key found, its contents checked by the pool; then, in the
 * account's order, the judge compares it with what is known of the account. Nothing thrown by a frame's bytes gets out of
 * here.
 */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #judge: Judge
  readonly #now: () => number
  readonly #lanes = new Lanes()
  #waiting: (() => void)[] = []

  constructor(options: PipelineOptions) {
    const { mode, book, outbox, stats, onDrop, now = Date.now } = options
    this.#options = options
    this.#judge = createJudge({ mode, book, outbox, stats, onDrop, now })
    this.#now = now
  }

  /** Frames under way. */
  get underway(): number {
    return this.#lanes.items
  }

  /** Whether reading should pause until `room`. */
  get full(): boolean {
    return this.#lanes.items >= maxItems || this.#lanes.bytes >= maxBytes
  }

  /** Resolves once there is room for more frames, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.full && !signal.aborted) {
      await new Promise<void>(resolve => {
        const onAbort = (): void => resolve()
        signal.addEventListener('abort', onAbort, { once: true })
        this.#waiting.push(() => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        })
      })
    }
  }

  /** Takes one frame of a source. */
  accept(source: string, bytes: Uint8Array, watermark: Watermark): Accepted {
    const { stats } = this.#options
    stats.frames++
    stats.bytes += bytes.length
    if (bytes.length > frameLimits.frame) {
      this.#judge.drop('frame_too_big', '', `bytes=${bytes.length}`)
      return 'passed_over'
    }
    let peek: FramePeek
    let notice: IdentityFrame | AccountFrame | undefined
    try {
      peek = peekFrame(bytes)
      if (peek.kind === 'info' || peek.kind === 'error' || peek.kind === 'unknown')
        return this.#control(bytes)
      if (peek.kind === 'identity' || peek.kind === 'account') notice = readNotice(bytes)
    } catch (error) {
      if (!(error instanceof RepoError)) throw error
      this.#judge.drop(error.code, '', error.message)
      return 'passed_over'
    }

    const now = this.#now()
    const time = plausibleTime(peek.time, now) || (watermark.newest?.time ?? '')
    this.#enter({
      source,
      peek,
      bytes: notice ? noBytes : ownBytes(bytes),
      notice,
      mark: watermark.add(peek.seq, time, now),
      outcome: undefined,
      key: null,
      refreshed: false,
      waitsForTwin: false,
      hold: 'none',
      done: false,
    })
    return 'event'
  }

  /** A frame that is not an event: told to the reader of the connection. */
  #control(bytes: Uint8Array): Accepted {
    const frame = readFrame(bytes)
    if (frame.kind === 'info') return { info: frame.name, message: frame.message ?? '' }
    if (frame.kind === 'error') return { error: frame.error, message: frame.message ?? '' }
    this.#options.stats.unknownMessages++
    return 'passed_over'
  }

  #enter(item: Item): void {
    const { peek, notice } = item
    if (!isValidDid(peek.did)) {
      this.#judge.drop('bad_did', peek.did.slice(0, 80), '')
      this.#end(item)
      return
    }
    if (this.#judge.isReplay(item)) {
      this.#judge.dropReplay(item)
      this.#end(item)
      return
    }
    // Not only when its turn comes: the commits behind it, which may be signed with the new key, look it up at once.
    if (notice?.kind === 'identity' && !this.#judge.isKnown(notice)) this.#options.purgeIdentity(peek.did)
    const lane = this.#lanes.add(item)
    if (!notice) {
      item.waitsForTwin = lane.some(other => areTwins(other, item))
      if (!item.waitsForTwin) this.#findKey(item)
    }
    this.#settle(peek.did)
  }

  #findKey(item: Item): void {
    const { keys } = this.#options
    const { did } = item.peek
    if (!keys) {
      this.#submit(item, null)
      return
    }
    const known = keys.cached(did)
    if (known) this.#withKey(item, known)
    else this.#later(keys.find(did), item, answer => this.#withKey(item, answer))
  }

  #withKey(item: Item, answer: KeyAnswer): void {
    if (answer.kind === 'key') this.#submit(item, answer.key)
    else if (answer.kind === 'unknown') this.#submit(item, null)
    else if (answer.reason === 'no_signing_key' && !item.refreshed) this.#refresh(item, refused(answer))
    else this.#concluded(item, refused(answer), noBytes)
  }

  #submit(item: Item, key: string | null): void {
    item.key = key
    this.#options.pool.submit(item.bytes, key, (verdict, json) => {
      this.#goOn(item, () => {
        if (!verdict.ok && verdict.reason === 'bad_signature' && !item.refreshed) this.#refresh(item, verdict)
        else this.#concluded(item, verdict, json)
      })
    })
  }

  /** The key may have changed without an event that says so; once per frame it is worth a look. */
  #refresh(item: Item, verdict: Verdict): void {
    item.refreshed = true
    this.#later(this.#options.keys!.refresh(item.peek.did), item, answer => {
      if (answer?.kind === 'key' && answer.key !== item.key) this.#submit(item, answer.key)
      else this.#concluded(item, verdict, noBytes)
    })
  }

  #concluded(item: Item, verdict: Verdict, json: Uint8Array): void {
    item.outcome = { verdict, json }
    this.#settle(item.peek.did)
  }

  /** Goes on with an item when the answer it waits for is there. */
  #later<T>(answer: Promise<T>, item: Item, goOn: (value: T) => void): void {
    answer.then(
      value => this.#goOn(item, () => goOn(value)),
      (error: unknown) => this.#failed(error),
    )
  }

  /** Once it is over, an answer changes nothing any more: what is under way must not look done. */
  #goOn(item: Item, work: () => void): void {
    if (item.done || this.#options.signal.aborted) return
    try {
      work()
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    if (!this.#options.signal.aborted) this.#options.onFailure(error)
  }

  /** Gives out, from the front of an account's lane, what has come to its end. */
  #settle(did: string): void {
    for (;;) {
      const lane = this.#lanes.get(did)
      const item = lane && this.#next(lane)
      if (!item) return
      if (this.#holdBack(item)) continue
      this.#judge.judge(item)
      this.#finish(item)
    }
  }

  /** The item of the lane whose turn it is, if it is ready. */
  #next(lane: Item[]): Item | undefined {
    const head = lane[0]!
    if (!isReady(head)) return undefined
    if (head.hold === 'none') return head
    if (head.hold === 'waiting') {
      // What it waits for may have come in behind it, or came already.
      if (!this.#judge.leavesHole(head)) return head
      return earliest(
        lane.filter(item => isEarlier(item, head) && isReady(item) && !this.#judge.leavesHole(item)),
      )
    }
    // It has waited long enough. What is there of before it goes first all the same, or it would be a replay.
    const first = earliest(lane.filter(item => isEarlier(item, head) && !item.waitsForTwin)) ?? head
    first.hold = 'over'
    return isReady(first) ? first : undefined
  }

  /** When merging, whether a commit that leaves a hole should wait for another source to fill it. */
  #holdBack(item: Item): boolean {
    const { merging, holdMs = 5_000 } = this.#options
    if (!merging || item.hold !== 'none' || !this.#judge.leavesHole(item)) return false
    item.hold = 'waiting'
    const timer = setTimeout(() => {
      this.#goOn(item, () => {
        item.hold = 'over'
        this.#settle(item.peek.did)
      })
    }, holdMs)
    timer.unref()
    return true
  }

  #finish(item: Item): void {
    this.#lanes.remove(item)
    this.#end(item)
    // A copy gets its turn at once, for its original may have failed while others wait for what it brings.
    for (;;) {
      const twin = this.#lanes.get(item.peek.did)?.find(other => other.waitsForTwin && areTwins(other, item))
      if (!twin) return
      twin.waitsForTwin = false
      if (!this.#judge.isReplay(twin)) {
        this.#findKey(twin)
        return
      }
      this.#judge.dropReplay(twin)
      this.#lanes.remove(twin)
      this.#end(twin)
    }
  }

  #end(item: Item): void {
    item.done = true
    item.mark.done = true
    this.#options.outbox.touch()
    if (this.#waiting.length > 0 && !this.full) {
      for (const resume of this.#waiting) resume()
      this.#waiting = []
    }
  }
}

function readNotice(bytes: Uint8Array): IdentityFrame | AccountFrame {
  const frame = readFrame(bytes)
  if (frame.kind !== 'identity' && frame.kind !== 'account') throw new RepoError('frame_bad_body')
  return frame
}

/** A message is often a small part of the buffer that it was received in, and would keep all of it while it waits. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes
}

function refused(answer: Extract<KeyAnswer, { kind: 'refused' }>): Verdict {
  return { ok: false, reason: answer.reason, detail: answer.detail }
}
