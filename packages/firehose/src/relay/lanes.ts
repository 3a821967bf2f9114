import type { AccountFrame, FramePeek, IdentityFrame } from '@orrery/repo'
import type { Verdict } from '../verify/verdict.ts'
import type { Mark } from '../watermark.ts'

/** A frame of one account on its way through the checks. */
export interface Item {
  source: string
  peek: FramePeek
  /** The frame; empty where `notice` has all that is in it. */
  bytes: Uint8Array
  /** An identity or account event, which needs no checks but its turn. */
  notice: IdentityFrame | AccountFrame | undefined
  mark: Mark
  /** What was found; undefined while it is being found out. */
  outcome: { verdict: Verdict; json: Uint8Array } | undefined
  /** The key it was checked with, to see whether a fresh document brings another. */
  key: string | null
  /** Whether the identity was fetched anew for it already. */
  refreshed: boolean
  /** Set on a copy of a frame that another source brought first: it is looked at only if that one fails. */
  waitsForTwin: boolean
  /** Whether it is held back for a commit that should have come before it, or was for as long as that is worth. */
  hold: 'none' | 'waiting' | 'over'
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

/** Whether everything is known of an item that its turn needs. */
export function isReady(item: Item): boolean {
  return item.notice !== undefined || item.outcome !== undefined
}

/** Whether two frames of an account are the same commit or #sync, brought by two sources. */
export function areTwins(a: Item, b: Item): boolean {
  return a !== b && a.peek.rev !== '' && a.peek.rev === b.peek.rev && a.peek.kind === b.peek.kind
}

/** Whether a commit or #sync comes before another of its account. */
export function isEarlier(item: Item, than: Item): boolean {
  return item.peek.rev !== '' && item.peek.rev < than.peek.rev
}

/** The one of lowest rev. */
export function earliest(items: readonly Item[]): Item | undefined {
  return items.reduce<Item | undefined>(
    (best, item) => (best && !isEarlier(item, best) ? best : item),
    undefined,
  )
}
