import { once } from 'node:events'
import { zstdDecompressSync } from 'node:zlib'
import { within } from '@orrery/testnet'
import { WebSocket } from 'ws'
import { timeOf } from './logged.ts'
import { toQuery, toUpdate, type Wanted } from './wanted.ts'

export interface SubscriptionOptions {
  /** `ws://…/subscribe`. */
  url: string
  /** A cursor, or none, or one of an hour from now. */
  begin: number | 'now' | 'future'
  /** Asked for in the query. With `hello` it is never in force. */
  wanted: Wanted
  compress?: boolean
  /** What the server compresses with, where it has one. */
  dictionary?: Buffer | undefined
  hello?: boolean
  /** Seconds; 0 for none. */
  heartbeat?: number
  /** Begins without reading. */
  paused?: boolean
  /** How far things are by now. */
  progress: () => Progress
  /** Called when an event has come. */
  onEvent?: () => void
}

/** How far things are, as a test knows it. */
export interface Progress {
  /** A time that the log has reached. */
  known: number
  /** How many events the network has sent. */
  sent: number
}

/** A filter that was asked for on the way. */
export interface Update {
  wanted: Wanted
  /** How things were when it was sent. */
  lines: number
  known: number
  /** How things were when the pong came to the ping behind it: by then it was taken in. */
  taken: { lines: number; sent: number } | undefined
}

/** One connection of a subscriber: what it asked for and when, and all that came. */
export class Subscription {
  readonly options: SubscriptionOptions
  readonly socket: WebSocket
  readonly lines: string[] = []
  /** Times that were told without an event, and how many lines had come. */
  readonly heartbeats: { timeUs: number; lines: number }[] = []
  readonly updates: Update[] = []
  readonly knownAtConnect: number
  sentAtOpen = 0
  #isOver = false

  constructor(options: SubscriptionOptions) {
    this.options = options
    const { url, begin, wanted, compress, hello, heartbeat = 0, progress } = options
    this.knownAtConnect = progress().known
    const query = new URLSearchParams(toQuery(wanted))
    const cursor = begin === 'future' ? (Date.now() + 3_600_000) * 1000 : begin
    if (cursor !== 'now') query.set('cursor', String(cursor))
    if (compress) query.set('compress', 'true')
    if (hello) query.set('requireHello', 'true')
    if (heartbeat > 0) query.set('heartbeat', String(heartbeat))
    this.socket = new WebSocket(`${url}?${query}`, { perMessageDeflate: false })
    this.socket.on('open', () => {
      if (options.paused) this.socket.pause()
      this.sentAtOpen = progress().sent
    })
    this.socket.on('message', (data: Buffer, isBinary) => this.#take(data, isBinary))
    this.socket.on('pong', data => {
      const update = this.updates[Number(data.toString())]
      if (update && !this.#isOver) update.taken = { lines: this.lines.length, sent: progress().sent }
    })
    this.socket.on('error', () => {})
  }

  /** Resolves when the connection stands; rejects where it does not come about. */
  async opened(): Promise<this> {
    await within(once(this.socket, 'open'), 'a connection')
    return this
  }

  /** The time up to which everything came or was not wanted; undefined before the first message. */
  get reached(): number | undefined {
    const [line, heartbeat] = [this.lines.at(-1), this.heartbeats.at(-1)]
    if (!line && !heartbeat) return undefined
    return Math.max(line ? timeOf(line) : 0, heartbeat?.timeUs ?? 0)
  }

  /** Sends an `options_update`, and a ping behind it. */
  update(wanted: Wanted): void {
    const { known } = this.options.progress()
    const nth = this.updates.push({ wanted, lines: this.lines.length, known, taken: undefined }) - 1
    this.socket.send(toUpdate(wanted))
    this.socket.ping(String(nth))
  }

  /** Whether the filter asked for last was taken in. */
  get isSettled(): boolean {
    return this.updates.at(-1)?.taken !== undefined
  }

  /** Ends the connection without a word. What is under way then is not recorded. */
  cut(): void {
    this.#isOver = true
    this.socket.terminate()
  }

  #take(data: Buffer, isBinary: boolean): void {
    if (this.#isOver) return
    const { compress = false, dictionary } = this.options
    // Kept as a message that is in no log.
    if (isBinary !== compress) this.lines.push(`a message of the other kind: ${data.toString('base64')}`)
    const line = isBinary
      ? zstdDecompressSync(data, dictionary ? { dictionary } : {}).toString()
      : data.toString()
    if (line.startsWith('{"kind":"cursor"')) {
      this.heartbeats.push({ timeUs: timeOf(line), lines: this.lines.length })
      return
    }
    this.lines.push(line)
    this.options.onEvent?.()
  }
}
