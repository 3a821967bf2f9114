import type { FramePeek } from '@orrery/repo'
import type { Verdict } from '../verify/verdict.ts'
import type { Mark } from '../watermark.ts'

/** A frame of one account on its way through the checks. */
export interface Item {
  source: string
  peek: FramePeek
  bytes: Uint8Array
  mark: Mark
  /** When it came, milliseconds since 1970. */
  arrivedAt: number
  /** What was found; undefined while it is being found out. */
  outcome: { verdict: Verdict; json: Uint8Array } | undefined
  /** The key it was checked with, to see whether a fresh document brings another. */
  key: string | null
  /** Whether the identity was fetched anew for it already. */
  refreshed: boolean
  /** Set on a copy of a frame that another source brought first: it is looked at only if that one fails. */
  waitsForTwin: boolean
  /** Until when it is held back for a commit that should have come before it; 0 while it is not. */
  heldUntil: number
  done: boolean
}

/**
 * The frames under way, a queue an account: whatever is looked up or checked in whatever order, each account's events
 * come out as they came in. An account without frames under way costs nothing.
 */
export class Lanes {
  #lanes = new Map<string, Item[]>()
  #items = 0
  #bytes = 0

  get items(): number {
    return this.#items
  }

  get bytes(): number {
    return this.#bytes
  }

  add(item: Item): Item[] {
    const lane = this.#lanes.get(item.peek.did)
    this.#items++
    this.#bytes += item.bytes.length
    if (lane) {
      lane.push(item)
      return lane
    }
    const fresh = [item]
    this.#lanes.set(item.peek.did, fresh)
    return fresh
  }

  get(did: string): Item[] | undefined {
    return this.#lanes.get(did)
  }

  remove(item: Item): void {
    const lane = this.#lanes.get(item.peek.did)
    const at = lane?.indexOf(item) ?? -1
    if (!lane || at < 0) return
    lane.splice(at, 1)
    this.#items--
    this.#bytes -= item.bytes.length
    if (lane.length === 0) this.#lanes.delete(item.peek.did)
  }
}
