import type { RateLimiter } from './limiter.ts'
import type { HubLog } from './log.ts'

export interface HubOptions {
  log: HubLog
  /** Events a second for each client, over all its connections. */
  limiter: RateLimiter
  /** The message of a heartbeat, which tells that everything up to `position` was sent or filtered out. */
  heartbeat: (position: number) => string
  /** Called when the log cannot be read: own state that is broken. */
  onFailure: (error: unknown) => void
  /**
   * The least time from one tick to the next, milliseconds: what comes in between is sent together, as one write for each
   * socket. It grows with the live subscribers, up to `maxTickMs`. Default 5.
   */
  tickMs?: number | undefined
  /**
   * How much of a tick each live subscriber is worth, milliseconds. A write costs some 10 µs whatever it carries, of which
   * two thirds are the kernel's; the default of 0.05 keeps that below a fifth of a core.
   */
  tickMsPerSubscriber?: number | undefined
  /** Default 25. */
  maxTickMs?: number | undefined
  /** From how many bytes on small blocks of the log are not joined any further to one write. Default 256 KiB. */
  batchBytes?: number | undefined
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

type Tuning =
  | 'tickMs'
  | 'tickMsPerSubscriber'
  | 'maxTickMs'
  | 'batchBytes'
  | 'highWaterBytes'
  | 'stallMs'
  | 'pingMs'

/** All options of a hub, each with its value. */
export type FullHubOptions = Omit<HubOptions, Tuning> & Record<Tuning, number>

export function withDefaults(options: HubOptions): FullHubOptions {
  return {
    ...options,
    tickMs: options.tickMs ?? 5,
    tickMsPerSubscriber: options.tickMsPerSubscriber ?? 0.05,
    maxTickMs: options.maxTickMs ?? 25,
    batchBytes: options.batchBytes ?? 256 * 1024,
    highWaterBytes: options.highWaterBytes ?? 1024 * 1024,
    stallMs: options.stallMs ?? 30_000,
    pingMs: options.pingMs ?? 30_000,
  }
}
