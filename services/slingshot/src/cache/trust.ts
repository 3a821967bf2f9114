import type { FirehoseStatus } from '@orrery/firehose'

export interface TrustOptions {
  status: () => Pick<FirehoseStatus, 'state' | 'lagMs'>
  /** How far behind the network the cache may be and still be believed, milliseconds. */
  maxLagMs: number
  /** How long a connection may say nothing before that means that nothing happened, milliseconds. Default 3,000. */
  quietMs?: number | undefined
  now?: (() => number) | undefined
}

/** Whether what the cache has is what the network has. */
export interface Trust {
  /** As of the last look. */
  readonly isCurrent: boolean
  /** To be called when a batch with events has been taken in, and some times a second. */
  look(hasTakenIn: boolean): void
}

/**
 * Makes a {@link Trust}. After the start nothing is believed before the source has been caught up with: either its events
 * come in time, or it is connected and has nothing to say. Where it is lost, what was heard is believed for as long as
 * `maxLagMs`; then it must be caught up with again.
 */
export function createTrust({
  status,
  maxLagMs,
  quietMs = 3_000,
  now = () => performance.now(),
}: TrustOptions): Trust {
  let isCaughtUp = false
  let connectedAt: number | undefined
  let lostAt: number | undefined
  let isCurrent = false

  return {
    get isCurrent() {
      return isCurrent
    },
    look(hasTakenIn) {
      const { state, lagMs = 0 } = status()
      const isInTime = lagMs <= maxLagMs
      if (state === 'live') {
        connectedAt ??= now()
        lostAt = undefined
        const isQuiet = now() - connectedAt >= quietMs
        isCaughtUp ||= isInTime && (hasTakenIn || isQuiet)
        isCurrent = isCaughtUp && isInTime
      } else {
        connectedAt = undefined
        lostAt ??= now()
        if (now() - lostAt > maxLagMs) isCaughtUp = false
        isCurrent = isCaughtUp
      }
    },
  }
}
