import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { LogBlock } from './block.ts'

/** Which entries a subscriber wants. Filters with the same `key` choose alike, and share the work. */
export interface Filter {
  /** Names the filter by its content; empty for the one that wants everything. */
  readonly key: string
  /** The indices of the block's entries that pass, rising; undefined for all of them. */
  select(block: LogBlock): readonly number[] | undefined
}

/** The filter that wants everything. */
export const wantsAll: Filter = { key: '', select: () => undefined }

/** How entries are sent: as the text that they are, or as an encoding that the hub's owner supplies. */
export interface Encoding {
  readonly name: string
  /** Whether it makes text too, sent as text frames. Default false: binary frames. */
  readonly isText?: boolean | undefined
  /**
   * Encodes texts, each by itself. An entry of a block is asked for once, and again only where that failed. `positions` are
   * those of the entries; a heartbeat has none.
   */
  encode(texts: readonly Buffer[], positions?: readonly number[]): Promise<Buffer[]>
}

/** What a new subscriber is. */
export interface SubscriberOptions {
  socket: WebSocket
  /** The TCP or TLS socket under it. Nothing but whole frames is written to it. */
  stream: Socket
  /** The client's address, for limits. */
  client: string
  /** The first position that it wants; undefined for what comes from now on. */
  position: number | undefined
  filter: Filter
  /** Undefined for text. */
  encoding: Encoding | undefined
  /** Until it has all there is for the first time, its entries are sent in this encoding. Default: no other. */
  replayEncoding?: Encoding | undefined
  /** Whether to send nothing until `start`. */
  idle: boolean
  /** How often a message tells the position when nothing else is sent, milliseconds; 0 for never. */
  heartbeatMs: number
}

/**
 * Where a subscriber stands. `live`: has all there is. `ready`: has its turn coming. `waiting`: for its socket, the
 * disk, an encoder or its rate; what it waits for gives it its next turn.
 */
export type SubscriberState = 'idle' | 'live' | 'ready' | 'waiting' | 'closed'

/** A subscriber inside the hub: plain state, moved on by the hub alone. */
export interface Subscriber {
  readonly socket: WebSocket
  readonly stream: Socket
  readonly client: string
  encoding: Encoding | undefined
  /** What `encoding` becomes once it has all there is. */
  readonly liveEncoding: Encoding | undefined
  readonly heartbeatMs: number
  filter: Filter
  /** The next position to look at. */
  position: number
  state: SubscriberState
  /** Since when the system takes nothing more of what its socket holds, by `performance.now`; 0 while it does. */
  stuckSince: number
  /** How many bytes the system had taken when that was last looked at. */
  taken: number
  /** When it was last sent anything, by `performance.now`: the wall clock may be set. */
  sentAt: number
  /** How many pings in a row nothing came after, not even a pong. */
  silentRounds: number
  /** Whether its next turn begins with a heartbeat. */
  heartbeatDue: boolean
  /** Whether it has moved on, or was told where it stands: from then on it misses no entry without being told. */
  begun: boolean
  /** How many reads of the log in a row found nothing. */
  emptyReads: number
}
