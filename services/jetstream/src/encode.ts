import type { FirehoseEvent, RecordOp } from '@orrery/firehose'
import { ByteSink } from '@orrery/repo'

/** Events encoded for the log: JSON one behind the other, and where each ends and stands. */
export interface EncodedEvents {
  bytes: Uint8Array<ArrayBuffer>
  ends: Uint32Array<ArrayBuffer>
  /** The `time_us` of each event, strictly rising. */
  positions: Float64Array<ArrayBuffer>
}

/** Lines hold times of 16 digits, 2001 to 2286; a clock that was never set, of a board without a battery, says 1970. */
const earliestUs = 1_000_000_000_000_000

/**
 * Gives events their place in time: strictly rising microseconds since 1970, whatever the clock does. When the clock was
 * set back, or was ahead before a restart, time goes on from the last event by one microsecond an event.
 */
export class EventClock {
  #last: number
  #now: () => number

  /** `last` is the newest `time_us` that was ever given. `now` answers milliseconds since 1970. */
  constructor(last: number, now: () => number = Date.now) {
    this.#last = last
    this.#now = now
  }

  get last(): number {
    return this.#last
  }

  next(): number {
    this.#last = Math.max(this.#now() * 1000, this.#last + 1, earliestUs)
    return this.#last
  }
}

/**
 * Writes events as the lines of the Jetstream wire, a line for each operation of a commit. Field order and escaping are
 * production's. What the wire has no word for (#sync) is left out.
 */
export class EventEncoder {
  #sink = new ByteSink(512 * 1024)
  #ends: number[] = []
  #positions: number[] = []
  #clock: EventClock

  constructor(clock: EventClock) {
    this.#clock = clock
  }

  encode(events: readonly FirehoseEvent[]): EncodedEvents {
    this.#sink.reset()
    this.#ends = []
    this.#positions = []
    for (const event of events) {
      if (event.kind === 'commit') for (const op of event.ops) this.#commit(event.did, event.rev, op)
      else if (event.kind !== 'sync') this.#notice(event)
    }
    return {
      bytes: new Uint8Array(this.#sink.view()),
      ends: Uint32Array.from(this.#ends),
      positions: Float64Array.from(this.#positions),
    }
  }

  #commit(did: string, rev: string, op: RecordOp): void {
    const sink = this.#sink
    this.#begin(did, 'commit')
    sink.ascii(
      `{"rev":"${rev}","operation":"${op.action}","collection":"${op.collection}","rkey":"${op.rkey}"`,
    )
    if (op.record) {
      sink.ascii(',"record":')
      sink.copy(op.record, 0, op.record.length)
      sink.ascii(`,"cid":"${op.cid}"`)
    }
    this.#end()
  }

  #notice(event: Exclude<FirehoseEvent, { kind: 'commit' | 'sync' }>): void {
    const { did, kind, seq, time } = event
    this.#begin(did, kind)
    const sink = this.#sink
    if (event.kind === 'identity') {
      sink.ascii(`{"did":"${did}"`)
      if (event.handle !== undefined) {
        sink.ascii(',"handle":')
        this.#text(event.handle)
      }
      sink.ascii(`,"seq":${seq},"time":`)
    } else {
      sink.ascii(`{"active":${event.active},"did":"${did}","seq":${seq}`)
      if (event.status !== undefined) {
        sink.ascii(',"status":')
        this.#text(event.status)
      }
      sink.ascii(',"time":')
    }
    this.#text(time)
    this.#end()
  }

  #begin(did: string, kind: string): void {
    const timeUs = this.#clock.next()
    this.#positions.push(timeUs)
    this.#sink.ascii(`{"did":"${did}","time_us":${timeUs},"kind":"${kind}","${kind}":`)
  }

  #end(): void {
    this.#sink.ascii('}}')
    this.#ends.push(this.#sink.length)
  }

  /** A string of which nothing is known: everything but DIDs, TIDs, NSIDs, record keys and CIDs, which need no escape. */
  #text(text: string): void {
    const json = JSON.stringify(text).replace(
      /[<>&\u2028\u2029]/g,
      char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    const bytes = Buffer.from(json)
    this.#sink.copy(bytes, 0, bytes.length)
  }
}
