import { closeCodes, cutReason } from './close.ts'
import { joinedFrames, headerBytes, opcodes, writeHeader } from './frames.ts'
import { type FullHubOptions, type HubOptions, withDefaults } from './options.ts'
import { type Batch, SharedFrames } from './shared-frames.ts'
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
  readonly #options: FullHubOptions
  readonly #subscribers = new Set<Subscriber>()
  #tick: NodeJS.Timeout | undefined
  #tickedAt = Number.NEGATIVE_INFINITY
  #live = 0
  #turns: Subscriber[] = []
  #turnScheduled = false
  #sweeper: NodeJS.Timeout
  #pingedAt = performance.now()
  #shared: SharedFrames
  #disposed = false

  constructor(options: HubOptions) {
    this.#options = withDefaults(options)
    const { batchBytes, stallMs, pingMs } = this.#options
    this.#shared = new SharedFrames(batchBytes)
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
    const { position, idle, replayEncoding, ...rest } = options
    const subscriber: Subscriber = {
      ...rest,
      encoding: replayEncoding ?? rest.encoding,
      liveEncoding: rest.encoding,
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
    if (this.#tick) return
    const { tickMs, tickMsPerSubscriber, maxTickMs } = this.#options
    const everyMs = Math.max(tickMs, Math.min(this.#live * tickMsPerSubscriber, maxTickMs))
    const waitMs = this.#tickedAt + everyMs - performance.now()
    this.#tick = setTimeout(() => this.#runTick(), Math.max(0, waitMs))
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

  #runTick(): void {
    this.#tick = undefined
    this.#tickedAt = performance.now()
    this.#live = 0
    for (const subscriber of this.#subscribers) {
      if (subscriber.state !== 'live') continue
      this.#live++
      this.#advance(subscriber)
    }
    this.#shared.forget()
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

  /** Queues a turn. Those who catch up take turns, a batch each, so that none of them keeps the others waiting. */
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
    const catchingUp = subscriber.state === 'ready'
    if (this.#isGone(subscriber)) return
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
        subscriber.encoding = subscriber.liveEncoding
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
      const { position, filter, encoding } = subscriber
      const batch = this.#shared.fromMemory(log, position, filter, encoding)
      if (!batch) {
        this.#readCold(subscriber)
        return
      }
      if (!this.#send(subscriber, batch)) return
      if (catchingUp && subscriber.position <= log.last) {
        this.#takeTurn(subscriber)
        return
      }
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
        const { position, filter, encoding } = subscriber
        if (position < this.#options.log.oldest) this.#takeTurn(subscriber)
        else if (this.#send(subscriber, this.#shared.fromBlock(block, position, filter, encoding))) {
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

  /** Sends a batch. False where the subscriber has to wait now, and has its next turn arranged. */
  #send(subscriber: Subscriber, batch: Batch | Promise<Batch>): boolean {
    subscriber.begun = true
    if (!(batch instanceof Promise)) return this.#write(subscriber, batch)
    const wasLive = subscriber.state === 'live'
    subscriber.state = 'waiting'
    batch.then(
      encoded => {
        if (this.#isGone(subscriber) || !this.#write(subscriber, encoded)) return
        if (wasLive) this.#resumeLive(subscriber)
        else this.#takeTurn(subscriber)
      },
      (error: unknown) => {
        this.#drop(subscriber, 'error', closeCodes.internal, 'an event could not be encoded')
        this.#options.onFailure(error)
      },
    )
    return false
  }

  /** What came while its entries were encoded waits for the next tick: else each encoding would be a tick of its own. */
  #resumeLive(subscriber: Subscriber): void {
    subscriber.state = 'live'
    if (subscriber.heartbeatDue) this.#takeTurn(subscriber)
    else if (subscriber.position <= this.#options.log.last) this.published()
  }

  /** Writes a batch. False where the client has had its share for now, and waits. */
  #write(subscriber: Subscriber, { frames, count, next }: Batch): boolean {
    subscriber.position = next
    if (!frames) return true
    subscriber.stream.write(frames)
    subscriber.sentAt = performance.now()
    subscriber.heartbeatDue = false
    this.stats.sentEvents += count
    this.stats.sentBytes += frames.length
    return this.#keepsRate(subscriber, count)
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
    const { isText } = subscriber.encoding
    subscriber.encoding.encode([message]).then(
      encoded => {
        if (this.#isGone(subscriber)) return
        subscriber.stream.write(joinedFrames(encoded, isText))
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
