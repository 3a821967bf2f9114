import { indexAt, type LogBlock } from './block.ts'
import { binaryFrames, headerBytes, opcodes, writeHeader } from './frames.ts'
import type { RateLimiter } from './limiter.ts'
import type { HubLog } from './log.ts'
import { SharedFrames } from './shared-frames.ts'
import type { Filter, Subscriber, SubscriberOptions } from './subscriber.ts'

/** Why a subscriber was dropped by us. The names are labels of a counter. */
export type DropCause = 'slow' | 'dead' | 'outrun' | 'error'

/** What a hub counts from its start. */
export interface HubStats {
  /** Entries and bytes handed to sockets. */
  sentEvents: number
  sentBytes: number
  dropped: Record<DropCause, number>
  /** Blocks read that were not in memory any more. */
  coldReads: number
}

export interface HubOptions {
  log: HubLog
  /** Events a second for each client, over all its connections. */
  limiter: RateLimiter
  /** The message of a heartbeat, which tells that everything up to `position` was sent or filtered out. */
  heartbeat: (position: number) => string
  /** Called when the log cannot be read: own state that is broken. */
  onFailure: (error: unknown) => void
  /**
   * How long entries are collected before they are sent, milliseconds. One write for each socket and tick: each costs
   * some 5 µs whatever it carries. Default 5.
   */
  tickMs?: number | undefined
  /**
   * How much may wait in a socket before its subscriber has to wait, bytes; less than the socket's own mark (64 KiB) is as
   * much as that. Default 1 MiB.
   */
  highWaterBytes?: number | undefined
  /** How long a socket may take nothing while something waits for it, milliseconds. Default 30,000. */
  stallMs?: number | undefined
  /** How often clients are pinged, milliseconds; one that stays silent for three rounds is dead. Default 30,000. */
  pingMs?: number | undefined
}

type Tuning = 'tickMs' | 'highWaterBytes' | 'stallMs' | 'pingMs'

/** Close codes of RFC 6455, section 7.4.1. */
export const closeCodes = { goingAway: 1001, policy: 1008, internal: 1011 } as const

/** RFC 6455, section 5.5: a control frame holds 125 bytes, of which two are the code. */
const maxReasonBytes = 123

const shutDownReason = 'server shutting down'

const sweepMs = 1_000
const maxSilentRounds = 3

/** A log that says it reaches a position and has nothing there is asked again, so often and at this distance. */
const emptyReadPauseMs = 10
const maxEmptyReads = 100

/**
 * Sends one ordered log to many WebSockets. Each subscriber has a position in the log and nothing else: what is new and
 * what is replayed are the same loop, there is no queue to overflow and no hand-over to get wrong. A subscriber that
 * does not read waits where it is, and costs what its socket holds.
 */
export class Hub implements AsyncDisposable {
  readonly stats: HubStats = {
    sentEvents: 0,
    sentBytes: 0,
    dropped: { slow: 0, dead: 0, outrun: 0, error: 0 },
    coldReads: 0,
  }
  readonly #options: Omit<HubOptions, Tuning> & Record<Tuning, number>
  readonly #subscribers = new Set<Subscriber>()
  #tick: NodeJS.Timeout | undefined
  #turns: Subscriber[] = []
  #turnScheduled = false
  #sweeper: NodeJS.Timeout
  #pingedAt = performance.now()
  #shared = new SharedFrames()
  #disposed = false

  constructor(options: HubOptions) {
    const { tickMs = 5, highWaterBytes = 1024 * 1024, stallMs = 30_000, pingMs = 30_000 } = options
    this.#options = { ...options, tickMs, highWaterBytes, stallMs, pingMs }
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(sweepMs, stallMs, pingMs))
    this.#sweeper.unref()
  }

  /** Subscribers now, by whether they have all there is or are catching up. */
  get counts(): { live: number; behind: number } {
    let live = 0
    for (const { state } of this.#subscribers) if (state === 'live') live++
    return { live, behind: this.#subscribers.size - live }
  }

  /** Takes a subscriber in. Removal is automatic when its socket closes. */
  add(options: SubscriberOptions): Subscriber {
    const { position, idle, ...rest } = options
    const subscriber: Subscriber = {
      ...rest,
      // Positions begin with 1: in a log that is still empty there is nothing to read at 0.
      position: Math.max(1, position ?? this.#options.log.last + 1),
      state: 'idle',
      stuckSince: 0,
      taken: 0,
      sentAt: performance.now(),
      silentRounds: 0,
      heartbeatDue: false,
      begun: false,
      emptyReads: 0,
    }
    this.#subscribers.add(subscriber)
    const { socket } = subscriber
    for (const sign of ['pong', 'ping', 'message']) socket.on(sign, () => (subscriber.silentRounds = 0))
    socket.on('error', () => this.#remove(subscriber))
    socket.on('close', () => this.#remove(subscriber))
    if (this.#disposed) this.close(subscriber, closeCodes.goingAway, shutDownReason)
    else if (!idle) this.start(subscriber)
    return subscriber
  }

  /** Lets a subscriber go that was added idle; one without a position begins at the newest entry of this moment. */
  start(subscriber: Subscriber, fromNow = false): void {
    if (subscriber.state !== 'idle') return
    if (fromNow) subscriber.position = this.#options.log.last + 1
    this.#takeTurn(subscriber)
  }

  /** Changes what a subscriber wants from the next entry on. */
  setFilter(subscriber: Subscriber, filter: Filter): void {
    subscriber.filter = filter
  }

  /** Closes a subscriber's connection with a code and a reason, which is cut to what a close frame holds. */
  close(subscriber: Subscriber, code: number, reason: string): void {
    if (subscriber.state === 'closed') return
    this.#remove(subscriber)
    subscriber.socket.close(code, cutReason(reason))
    // The close frame stands behind what the socket still holds; a peer that does not read never gets to it.
    setTimeout(() => subscriber.socket.terminate(), 5_000).unref()
  }

  /** Says that the log has grown. */
  published(): void {
    this.#tick ??= setTimeout(() => {
      this.#tick = undefined
      for (const subscriber of this.#subscribers) if (subscriber.state === 'live') this.#advance(subscriber)
      this.#shared.forget()
    }, this.#options.tickMs)
  }

  /** Says goodbye to everybody: close code 1001. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    clearInterval(this.#sweeper)
    clearTimeout(this.#tick)
    const closed = Array.from(
      this.#subscribers,
      ({ socket }) => new Promise(resolve => socket.once('close', resolve)),
    )
    for (const subscriber of this.#subscribers) this.close(subscriber, closeCodes.goingAway, shutDownReason)
    await Promise.race([Promise.all(closed), new Promise(resolve => setTimeout(resolve, 2_000).unref())])
  }

  #remove(subscriber: Subscriber): void {
    subscriber.state = 'closed'
    this.#subscribers.delete(subscriber)
  }

  #drop(subscriber: Subscriber, cause: DropCause, code: number, reason: string): void {
    if (subscriber.state === 'closed') return
    this.stats.dropped[cause]++
    this.close(subscriber, code, reason)
  }

  /** Queues a turn. Those who catch up take turns, a block each, so that none of them keeps the others waiting. */
  #takeTurn(subscriber: Subscriber): void {
    if (subscriber.state === 'closed') return
    subscriber.state = 'ready'
    this.#turns.push(subscriber)
    if (this.#turnScheduled) return
    this.#turnScheduled = true
    setImmediate(() => {
      this.#turnScheduled = false
      const turns = this.#turns
      this.#turns = []
      for (const next of turns) if (next.state === 'ready') this.#advance(next)
      this.#shared.forget()
    })
  }

  /** Moves a subscriber on, until it has all there is or has to wait for something. */
  #advance(subscriber: Subscriber): void {
    const { log, highWaterBytes } = this.#options
    const { stream } = subscriber
    const turn = subscriber.state === 'ready'
    if (this.#isGone(subscriber)) return
    stream.cork()
    try {
      if (subscriber.heartbeatDue && !this.#sendHeartbeat(subscriber)) return
      for (;;) {
        // Below the stream's own mark there would be no `drain` to wait for.
        if (stream.writableLength > highWaterBytes && stream.writableNeedDrain) {
          this.#waitForDrain(subscriber)
          return
        }
        if (subscriber.position > log.last) {
          subscriber.state = 'live'
          subscriber.begun = true
          return
        }
        if (subscriber.position < log.oldest) {
          if (subscriber.begun) {
            this.#drop(
              subscriber,
              'outrun',
              closeCodes.policy,
              'ConsumerTooSlow: its position is not kept any more',
            )
            return
          }
          subscriber.position = log.oldest
        }
        const block = log.inMemory(subscriber.position)
        if (!block) {
          this.#readCold(subscriber)
          return
        }
        if (!this.#send(subscriber, block)) return
        if (turn && subscriber.position <= log.last) {
          this.#takeTurn(subscriber)
          return
        }
      }
    } finally {
      stream.uncork()
    }
  }

  /**
   * Whether the client has begun to close, or its connection broke. Nothing may follow our answer to its close frame, and
   * what is written to a stream that has ended destroys it, with that answer in it.
   */
  #isGone(subscriber: Subscriber): boolean {
    if (subscriber.state !== 'closed' && subscriber.socket.readyState !== subscriber.socket.OPEN)
      this.#remove(subscriber)
    return subscriber.state === 'closed'
  }

  #waitForDrain(subscriber: Subscriber): void {
    subscriber.state = 'waiting'
    subscriber.stream.once('drain', () => this.#takeTurn(subscriber))
  }

  #readCold(subscriber: Subscriber): void {
    subscriber.state = 'waiting'
    this.stats.coldReads++
    this.#options.log.read(subscriber.position).then(
      block => {
        if (this.#isGone(subscriber)) return
        if (!block) {
          this.#readAgain(subscriber)
          return
        }
        subscriber.emptyReads = 0
        // What lay before the block may have been dropped while it was read; the next turn finds out.
        if (subscriber.position < this.#options.log.oldest || this.#send(subscriber, block)) {
          this.#takeTurn(subscriber)
        }
      },
      (error: unknown) => {
        this.#drop(subscriber, 'error', closeCodes.internal, 'the log cannot be read')
        this.#options.onFailure(error)
      },
    )
  }

  /** Nothing was there: it is being dropped right now, or the log is broken. */
  #readAgain(subscriber: Subscriber): void {
    const { position } = subscriber
    if (++subscriber.emptyReads <= maxEmptyReads) {
      setTimeout(() => this.#takeTurn(subscriber), emptyReadPauseMs).unref()
      return
    }
    const { log, onFailure } = this.#options
    this.#drop(subscriber, 'error', closeCodes.internal, 'the log cannot be read')
    onFailure(new Error(`the log reaches ${log.last}, but has nothing to read at ${position}`))
  }

  /** Sends what a subscriber wants of a block. False where it has to wait now, and has its next turn arranged. */
  #send(subscriber: Subscriber, block: LogBlock): boolean {
    const { position, filter, encoding } = subscriber
    subscriber.begun = true
    const from = indexAt(block, position)
    const selected = this.#shared.select(block, filter)
    const indices = selected && (from === 0 ? selected : selected.filter(i => i >= from))
    const count = indices ? indices.length : block.count - from
    if (count === 0) {
      subscriber.position = block.last + 1
      return true
    }
    if (!encoding) {
      this.#write(subscriber, this.#shared.text(block, filter, from, indices), count, block.last)
      return this.#keepsRate(subscriber, count)
    }
    const frames = this.#shared.encoded(block, filter, encoding, from, indices)
    if (Buffer.isBuffer(frames)) {
      this.#write(subscriber, frames, count, block.last)
      return this.#keepsRate(subscriber, count)
    }
    subscriber.state = 'waiting'
    frames.then(
      bytes => {
        if (this.#isGone(subscriber)) return
        this.#write(subscriber, bytes, count, block.last)
        if (this.#keepsRate(subscriber, count)) this.#takeTurn(subscriber)
      },
      (error: unknown) => {
        this.#drop(subscriber, 'error', closeCodes.internal, 'an event could not be encoded')
        this.#options.onFailure(error)
      },
    )
    return false
  }

  #write(subscriber: Subscriber, frames: Buffer, count: number, last: number): void {
    subscriber.stream.write(frames)
    subscriber.position = last + 1
    subscriber.sentAt = performance.now()
    subscriber.heartbeatDue = false
    this.stats.sentEvents += count
    this.stats.sentBytes += frames.length
  }

  /** Whether the client may go on at once; otherwise its next turn comes when its rate allows. */
  #keepsRate(subscriber: Subscriber, count: number): boolean {
    const waitMs = this.#options.limiter.take(subscriber.client, count)
    if (waitMs === 0) return true
    subscriber.state = 'waiting'
    setTimeout(() => this.#takeTurn(subscriber), waitMs).unref()
    return false
  }

  #sweep(): void {
    const now = performance.now()
    const { stallMs, pingMs } = this.#options
    const pinging = now - this.#pingedAt >= pingMs
    if (pinging) this.#pingedAt = now
    for (const subscriber of this.#subscribers) {
      const { stream, heartbeatMs, state } = subscriber
      const taken = stream.bytesWritten - stream.writableLength
      if (stream.writableLength === 0) subscriber.stuckSince = 0
      else if (taken !== subscriber.taken || subscriber.stuckSince === 0) subscriber.stuckSince = now
      subscriber.taken = taken
      if (subscriber.stuckSince > 0 && now - subscriber.stuckSince > stallMs) {
        const seconds = Math.round((now - subscriber.stuckSince) / 1000)
        this.#drop(
          subscriber,
          'slow',
          closeCodes.policy,
          `ConsumerTooSlow: nothing was read for ${seconds} s`,
        )
      } else if (pinging && this.#isDead(subscriber)) {
        this.stats.dropped.dead++
        this.#remove(subscriber)
        subscriber.socket.terminate()
      } else if (heartbeatMs > 0 && state !== 'idle' && now - subscriber.sentAt >= heartbeatMs) {
        subscriber.heartbeatDue = true
        if (state === 'live') this.#takeTurn(subscriber)
      }
    }
  }

  /** Pings, and tells whether too many pings went by without a sign. What stands behind a full socket is no sign. */
  #isDead(subscriber: Subscriber): boolean {
    if (subscriber.stream.writableLength > 0) return false
    if (subscriber.silentRounds >= maxSilentRounds) return true
    subscriber.silentRounds++
    subscriber.socket.ping()
    return false
  }

  /** Sends a heartbeat. False where it has to be encoded first; the subscriber's next turn comes behind it. */
  #sendHeartbeat(subscriber: Subscriber): boolean {
    subscriber.heartbeatDue = false
    subscriber.begun = true
    subscriber.sentAt = performance.now()
    const message = Buffer.from(this.#options.heartbeat(subscriber.position - 1))
    if (!subscriber.encoding) {
      const frame = Buffer.allocUnsafe(headerBytes(message.length) + message.length)
      message.copy(frame, writeHeader(frame, 0, opcodes.text, message.length))
      subscriber.stream.write(frame)
      return true
    }
    subscriber.state = 'waiting'
    subscriber.encoding.encodeMessage(message).then(
      payload => {
        if (this.#isGone(subscriber)) return
        subscriber.stream.write(binaryFrames([payload]))
        this.#takeTurn(subscriber)
      },
      (error: unknown) => {
        this.#drop(subscriber, 'error', closeCodes.internal, 'an event could not be encoded')
        this.#options.onFailure(error)
      },
    )
    return false
  }
}

/** A close frame holds 123 bytes of reason; ws throws on more. Cut between characters. */
export function cutReason(reason: string): string {
  // No reason needs more characters than bytes, and nobody is to be made to measure a megabyte.
  const bytes = Buffer.from(reason.slice(0, maxReasonBytes + 1))
  if (bytes.length <= maxReasonBytes) return reason
  // `stream` leaves out a character that is cut in two.
  return `${new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, maxReasonBytes - 3), { stream: true })}...`
}
