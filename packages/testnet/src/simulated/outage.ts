import type { FakeRelay } from '../relay/types.ts'

/**
 * Outages after which a relay does not have what it was sent meanwhile. What a consumer lost by one can only be told when
 * it is back and says how far it had come.
 */
export class Outages {
  readonly #relay: FakeRelay
  readonly #remembered: number
  readonly #sent: { seq: number; did: string }[] = []
  #pending: { connection: number; upTo: number }[] = []
  #left = 0

  /** `remembered`: how many frames the relay can replay, and so how many matter here. */
  constructor(relay: FakeRelay, remembered: number) {
    this.#relay = relay
    this.#remembered = remembered
  }

  /** Ends the connections and lets nobody in, for so many frames. */
  begin(frames: number): void {
    this.#left = frames
    this.#relay.refuse({ status: 503 })
    this.#relay.cut()
  }

  /** Takes note of a frame that the relay was given; the last one of an outage ends it. */
  sent(seq: number, did: string): void {
    this.#sent.push({ seq, did })
    if (this.#sent.length > this.#remembered * 2) this.#sent.splice(0, this.#remembered)
    if (this.#left === 0 || --this.#left > 0) return
    this.#relay.forgetBefore(seq + 1)
    this.#pending.push({ connection: this.#relay.stats().connections, upTo: seq })
    this.#relay.accept()
  }

  /** The accounts of frames that the consumer can never have got, since this was last asked. */
  takeLosses(): string[] {
    const { cursors } = this.#relay.stats()
    const known = this.#pending.filter(({ connection }) => connection < cursors.length)
    this.#pending = this.#pending.filter(({ connection }) => connection >= cursors.length)
    return known.flatMap(({ connection, upTo }) => {
      const cursor = cursors[connection] ?? 0
      return this.#sent.filter(({ seq }) => seq > cursor && seq <= upTo).map(({ did }) => did)
    })
  }
}
