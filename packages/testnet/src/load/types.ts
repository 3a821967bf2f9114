import type { Distribution } from './histogram.ts'

/** Subscribers that want the same. */
export interface LoadGroup {
  /** `ws://host:port/path?query` */
  url: string
  count: number
}

export interface LoadOptions {
  groups: readonly LoadGroup[]
  /** Each of so many frames is looked into. Default 100. */
  sampleEvery?: number
  /**
   * The member of an event that holds its time in microseconds since 1970, which has to rise strictly from event to
   * event of a subscriber. Undefined: order and latency are not looked at.
   */
  timeMember?: string | undefined
  /** A dictionary to decode the samples of binary frames with: zstd. */
  zstdDictionary?: string | undefined
  /** Upgrades under way at a time. Default 50. */
  connectAtATime?: number
}

/** What subscribers have received since they connected, or since the last reset. */
export interface LoadResult {
  /** Frames of data. */
  frames: number
  bytes: number
  /** Frames of the subscriber with the fewest and the most, by group. */
  groups: { frames: number; fewest: number; most: number }[]
  /** Payloads looked into. */
  sampled: number
  /** Of these, those whose time did not rise. */
  outOfOrder: number
  /** From an event's time to its arrival here, milliseconds, of the samples. */
  latencyMs: Distribution
  /** Subscribers that the server closed, by code. */
  closed: Record<string, number>
  /** What the process has used of the CPU, milliseconds: near the time that passed, it measures itself. */
  cpuMs: number
  elapsedMs: number
}
