import { type ProcessUsage, startProcess } from '../process.ts'
import type { PlayerApi } from './player-process.ts'
import type { PlayerStats } from './player-server.ts'

/** A recorded stream as a relay and a PLC directory, in a process of their own. */
export interface Player extends AsyncDisposable {
  /** The relay: `ws://127.0.0.1:port`, without a path. */
  readonly url: string
  readonly plcUrl: string
  /** Frames in the recording; behind the last one the relay is silent. */
  readonly frames: number
  /**
   * Lets the frames come, from where they stopped: so many a second, or, without a rate, as fast as each consumer takes
   * them. A consumer with a cursor goes on behind it; without one it begins with what is published next, or, without a
   * rate, with the first frame.
   */
  play(perSecond?: number): Promise<void>
  stats(): Promise<PlayerStats>
  usage(): Promise<ProcessUsage>
}

/**
 * Starts a player for a file of `recordStream`, on loopback. Frames keep their numbers, which rise by one; their times are
 * those of the sending, so that a consumer sees no lag that is none. Nothing is sent before `play`.
 *
 * @throws (rejects) where the file is no recorded stream
 */
export async function startPlayer(file: string): Promise<Player> {
  await using stack = new AsyncDisposableStack()
  const child = stack.use(startProcess<PlayerApi>(new URL('./player-process.ts', import.meta.url)))
  const opened = await child.call('open', file)
  const owned = stack.move()
  return {
    ...opened,
    play: perSecond => child.call('play', perSecond),
    stats: () => child.call('stats'),
    usage: () => child.usage(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
