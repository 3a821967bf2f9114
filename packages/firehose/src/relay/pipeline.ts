import {
  type AccountFrame,
  type FramePeek,
  frameLimits,
  type IdentityFrame,
  peekFrame,
  readFrame,
  RepoError,
} from '@orrery/repo'
import { isValidDid, isValidHandle } from '@atproto/syntax'
import { type AccountBook, fingerprint } from '../accounts.ts'
import type { DropReason } from '../drops.ts'
import type { AccountState, CommitEvent, RecordOp } from '../events.ts'
import type { Outbox } from '../outbox.ts'
import type { FirehoseStats } from '../stats.ts'
import type { VerifyPool } from '../verify/pool.ts'
import type { CommitVerdict, SyncVerdict, Verdict } from '../verify/verdict.ts'
import type { Watermark } from '../watermark.ts'
import type { KeyAnswer, KeySource, VerifyMode } from './keys.ts'
import { type Item, Lanes } from './lanes.ts'

export interface PipelineOptions {
  mode: VerifyMode
  /** Absent under `off`. */
  keys: KeySource | undefined
  /** Told of #identity events, so that the next look-up is a fresh one. */
  purgeIdentity: (did: string) => void
  pool: VerifyPool
  book: AccountBook
  outbox: Outbox
  stats: FirehoseStats
  /** When it aborts, what is under way stays undone: a restart gets it again. */
  signal: AbortSignal
  /** Whether several sources bring the same events, so that a commit missing from one may come from another. */
  merging: boolean
  /** Told of each dropped frame or operation: for a log that is sparing with itself. */
  onDrop?: ((reason: DropReason, did: string, detail: string) => void) | undefined
  now?: (() => number) | undefined
}

/**
 * How long, when merging, a commit that does not follow on the last is held back for the one between, milliseconds.
 * Relays differ by some hundred milliseconds; a source that reconnects is back within seconds.
 */
const holdMs = 5_000

/** From how much under way on no more is read from the sources. A tenth of what the account book remembers. */
const maxItems = 10_000
const maxBytes = 64 * 1024 * 1024

/** What a frame was, for who reads the connection. */
export type Accepted =
  | 'event'
  | 'passed_over'
  | { info: string; message: string }
  | { error: string; message: string }

/**
 * From frames to events. Each frame is routed by its DID, its key found, its contents checked by the pool; then, in the
 * account's order, it is compared with what is known of the account, and given out or dropped with a reason. Nothing
 * thrown by a frame's bytes gets out of here.
 */
export class Pipeline {
  #options: PipelineOptions
  #lanes = new Lanes()
  #now: () => number
  #waiting: (() => void)[] = []

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
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

  /** Takes one frame of a source. `bytes` are the pipeline's from now on. */
  accept(source: string, bytes: Uint8Array, watermark: Watermark): Accepted {
    const { stats } = this.#options
    stats.frames++
    stats.bytes += bytes.length
    if (bytes.length > frameLimits.frame) {
      this.#count('frame_too_big', '', `bytes=${bytes.length}`)
      return 'passed_over'
    }
    let peek: FramePeek
    try {
      peek = peekFrame(bytes)
      if (peek.kind === 'info' || peek.kind === 'error' || peek.kind === 'unknown')
        return this.#control(bytes)
    } catch (error) {
      this.#countError(error, '')
      return 'passed_over'
    }

    const mark = watermark.add(peek.seq, peek.time)
    const item: Item = {
      source,
      peek,
      bytes,
      mark,
      arrivedAt: this.#now(),
      outcome: undefined,
      key: null,
      refreshed: false,
      waitsForTwin: false,
      heldUntil: 0,
      done: false,
    }
    if (!isValidDid(peek.did)) {
      this.#count('bad_did', peek.did.slice(0, 80), '')
      this.#end(item)
    } else if (this.#isReplay(item)) {
      this.#dropReplay(item)
    } else {
      const lane = this.#lanes.add(item)
      if (peek.kind === 'commit' || peek.kind === 'sync') {
        item.waitsForTwin = lane.some(other => other !== item && isTwin(other, item))
        if (!item.waitsForTwin) this.#findKey(item)
      }
      this.#settle(peek.did)
    }
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

  #isReplay({ peek }: Item): boolean {
    return peek.rev !== '' && peek.rev <= this.#options.book.get(peek.did).rev
  }

  #findKey(item: Item): void {
    const { keys } = this.#options
    if (!keys) {
      this.#submit(item, null)
      return
    }
    const known = keys.cached(item.peek.did)
    if (known) this.#withKey(item, known)
    else void keys.find(item.peek.did).then(answer => this.#withKey(item, answer))
  }

  #withKey(item: Item, answer: KeyAnswer): void {
    if (item.done || this.#options.signal.aborted) return
    if (answer.kind === 'key') this.#submit(item, answer.key)
    else if (answer.kind === 'unknown') this.#submit(item, null)
    else if (answer.reason === 'no_signing_key' && !item.refreshed) this.#refresh(item, refused(answer))
    else this.#concluded(item, refused(answer), new Uint8Array(0))
  }

  #submit(item: Item, key: string | null): void {
    item.key = key
    this.#options.pool.submit(item.bytes, key, (verdict, json) => {
      if (!verdict.ok && verdict.reason === 'bad_signature' && !item.refreshed) this.#refresh(item, verdict)
      else this.#concluded(item, verdict, json)
    })
  }

  /** The key may have changed without an event that says so; once per frame it is worth a look. */
  #refresh(item: Item, verdict: Verdict): void {
    item.refreshed = true
    void this.#options.keys!.refresh(item.peek.did).then(answer => {
      if (item.done || this.#options.signal.aborted) return
      if (answer?.kind === 'key' && answer.key !== item.key) this.#submit(item, answer.key)
      else this.#concluded(item, verdict, new Uint8Array(0))
    })
  }

  #concluded(item: Item, verdict: Verdict, json: Uint8Array): void {
    if (item.done) return
    item.outcome = { verdict, json }
    this.#settle(item.peek.did)
  }

  /** Gives out, from the front of an account's lane, what has come to its end. */
  #settle(did: string): void {
    for (;;) {
      const lane = this.#lanes.get(did)
      const item = lane && this.#next(lane)
      if (!item) return
      if (item.waitsForTwin) {
        // Its twin is gone from the lane: either it was given out, or the copy gets its turn.
        item.waitsForTwin = false
        if (this.#isReplay(item)) this.#dropReplay(item)
        else this.#findKey(item)
        continue
      }
      this.#judge(item)
    }
  }

  /** The item of the lane that is to be judged now, if any. */
  #next(lane: Item[]): Item | undefined {
    const head = lane[0]!
    if (head.waitsForTwin) return head
    if (!isReady(head)) return undefined
    if (head.heldUntil === 0) return head
    // While the head is held back, the one it waits for may have come in behind it.
    const earlier = lane.find(({ peek, outcome }) => outcome && peek.rev !== '' && peek.rev < head.peek.rev)
    if (earlier) return earlier
    return this.#now() >= head.heldUntil ? head : undefined
  }

  #judge(item: Item): void {
    const { kind } = item.peek
    if (kind === 'identity' || kind === 'account') {
      this.#judgeNotice(item)
      return
    }
    const { verdict, json } = item.outcome!
    if (!verdict.ok) this.#drop(item, verdict.reason, verdict.detail)
    else if (this.#isReplay(item)) this.#dropReplay(item)
    else if (verdict.kind === 'sync') this.#giveSync(item, verdict)
    else this.#judgeCommit(item, verdict, json)
  }

  #judgeCommit(item: Item, verdict: CommitVerdict, json: Uint8Array): void {
    const { book, stats, mode } = this.#options
    const { did, rev, seq } = item.peek
    const state = book.get(did)
    const verified = verdict.signed
    if (!state.active) {
      this.#drop(item, 'account_inactive', `status=${state.status}`)
      return
    }
    if (mode !== 'off' && !verdict.complete) {
      if (mode === 'strict') {
        this.#drop(item, 'missing_prev_data', `rev=${rev}`)
        return
      }
      stats.incomplete++
    }
    const follows = followsOn(state, verdict)
    if (!follows && this.#holdBack(item)) return

    // What nothing vouches for must not move the account forward: a forged rev would shut the true ones out.
    if (mode === 'off' || verified) book.set(did, { ...state, rev, data: verdict.data })
    else if (!book.notice(fingerprint(did, rev, verdict.data), this.#now())) {
      this.#drop(item, 'replay', `rev=${rev}`)
      return
    }
    if (!follows) stats.chainBreaks++
    if (!verified) stats.unverified++
    for (const reason of verdict.droppedOps) this.#count(reason, did, `operation of rev=${rev}`)
    const ops = verdict.ops.map((op): RecordOp => {
      const record = op.cid === null ? null : json.subarray(op.start, op.end)
      return { action: op.action, collection: op.collection, rkey: op.rkey, cid: op.cid, record }
    })
    const event: CommitEvent = {
      kind: 'commit',
      did,
      rev,
      ops,
      verified,
      seq,
      time: verdict.time,
      source: item.source,
      timeUs: undefined,
    }
    stats.events.commit++
    stats.ops += ops.length
    this.#options.outbox.push(event)
    this.#finish(item)
  }

  /** When merging, whether a commit that leaves a hole should wait for another source to fill it. */
  #holdBack(item: Item): boolean {
    if (!this.#options.merging) return false
    if (item.heldUntil === 0) {
      item.heldUntil = this.#now() + holdMs
      setTimeout(() => this.#settle(item.peek.did), holdMs + 1).unref()
      return true
    }
    return this.#now() < item.heldUntil
  }

  #giveSync(item: Item, verdict: SyncVerdict): void {
    const { book, stats, outbox, mode } = this.#options
    const { did, rev, seq } = item.peek
    const { signed, data, time } = verdict
    const state = book.get(did)
    // Nothing to tell where the account is at that state already; nothing to trust where it is not signed.
    if (state.data !== data && (signed || mode === 'off')) {
      stats.events.sync++
      outbox.push({ kind: 'sync', did, rev, seq, time, source: item.source, timeUs: undefined })
    }
    if (signed || mode === 'off') book.set(did, { ...state, rev, data })
    this.#finish(item)
  }

  /** Identity and account events: nobody signs them, so they are taken at the source's word, once each. */
  #judgeNotice(item: Item): void {
    let frame: IdentityFrame | AccountFrame
    try {
      const read = readFrame(item.bytes)
      if (read.kind !== 'identity' && read.kind !== 'account') throw new RepoError('frame_bad_body')
      frame = read
    } catch (error) {
      this.#countError(error, item.peek.did)
      this.#finish(item)
      return
    }
    const { did, time, seq } = frame
    if (Number.isNaN(Date.parse(time)) || time.length > 64) {
      this.#drop(item, 'bad_time', `time=${time.slice(0, 64)}`)
      return
    }
    const { book, stats, outbox, purgeIdentity } = this.#options
    const base = { did, time, seq, source: item.source, timeUs: undefined }
    if (frame.kind === 'identity') {
      if (!book.notice(fingerprint('identity', did, time, frame.handle ?? ''), this.#now())) {
        this.#drop(item, 'replay', 'identity')
        return
      }
      purgeIdentity(did)
      const handle = frame.handle !== undefined && isValidHandle(frame.handle) ? frame.handle : undefined
      stats.events.identity++
      outbox.push({ ...base, kind: 'identity', handle })
    } else {
      const status = frame.status?.slice(0, 64)
      const { active } = frame
      if (!book.notice(fingerprint('account', did, time, String(active), status ?? ''), this.#now())) {
        this.#drop(item, 'replay', 'account')
        return
      }
      book.set(did, { ...book.get(did), active, status })
      stats.events.account++
      outbox.push({ ...base, kind: 'account', active, status })
    }
    this.#finish(item)
  }

  /** A #sync for the rev that its account is at says nothing new, and hosts send one after each first commit. */
  #dropReplay(item: Item): void {
    const { kind, did, rev } = item.peek
    if (kind === 'sync' && rev === this.#options.book.get(did).rev) this.#finish(item)
    else this.#drop(item, 'replay', `rev=${rev}`)
  }

  #drop(item: Item, reason: DropReason, detail: string): void {
    this.#count(reason, item.peek.did, detail)
    this.#finish(item)
  }

  #finish(item: Item): void {
    this.#lanes.remove(item)
    this.#end(item)
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

  #countError(error: unknown, did: string): void {
    if (!(error instanceof RepoError)) throw error
    this.#count(error.code, did, error.message)
  }

  #count(reason: DropReason, did: string, detail: string): void {
    this.#options.stats.dropped[reason]++
    this.#options.onDrop?.(reason, did, detail)
  }
}

/** Whether two frames under way are the same commit, brought by two sources. */
function isTwin(a: Item, b: Item): boolean {
  return !a.done && a.peek.rev === b.peek.rev && a.peek.kind === b.peek.kind
}

function isReady(item: Item): boolean {
  return item.peek.kind === 'identity' || item.peek.kind === 'account' || item.outcome !== undefined
}

/** Whether a commit follows on the account's last known one. The first that is seen of an account always does. */
function followsOn(state: AccountState, verdict: CommitVerdict): boolean {
  if (state.rev === '') return true
  if (verdict.since !== state.rev) return false
  return verdict.prevData === null || state.data === '' || verdict.prevData === state.data
}

function refused(answer: Extract<KeyAnswer, { kind: 'refused' }>): Verdict {
  return { ok: false, reason: answer.reason, detail: answer.detail }
}
