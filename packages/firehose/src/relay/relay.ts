import { peekFrame, RepoError } from '@orrery/repo'
import { ConnectionError } from '../errors.ts'
import { type Follow, takeInTurns } from '../follow.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * Follows one relay over one connection, from its cursor, until the connection ends. It throws what ended it; quietly it
 * ends on the signal alone.
 *
 * A relay may repeat the event at the cursor or not, may say that the cursor is too old or from the future, or may not:
 * all of that is taken as it comes, since what was given out before is known by its rev.
 */
export async function followRelay(follow: Follow, pipeline: Pipeline): Promise<void> {
  const { state, stats, signal } = follow
  const url = new URL(state.source.url)
  const asked = state.cursor
  if (asked !== undefined) url.searchParams.set('cursor', String(asked))

  let last = 0
  await takeInTurns(follow, url, async bytes => {
    // The first event behind a cursor tells whether the relay still counts as it did. If it does not, there is more
    // before this one that we lack: given out now, it would make replays of it.
    if (last === 0 && asked !== undefined && seqOf(bytes) < asked) {
      state.restartFromTheOldest()
      throw new ConnectionError('closed', `its numbers are below our cursor ${asked}, so it was reset`)
    }
    const accepted = pipeline.accept(state.source.key, bytes, state.watermark)
    if (accepted === 'event') {
      const { cursor, time } = state.watermark.newest!
      if (cursor <= last) stats.seqRegressions++
      last = cursor
      state.received(cursor, time)
    } else if (typeof accepted === 'object' && 'error' in accepted) {
      const { error, message } = accepted
      if (error === 'FutureCursor') state.restartFromTheOldest()
      throw new ConnectionError('closed', `it said ${error.slice(0, 100)}; ${message.slice(0, 200)}`)
    } else if (typeof accepted === 'object' && accepted.info === 'OutdatedCursor') {
      state.missed('outdated_cursor')
    }
    if (pipeline.full) await pipeline.room(signal)
  })
}

/** The sequence number of a frame; infinite where it has none. */
function seqOf(bytes: Uint8Array): number {
  try {
    return peekFrame(bytes).seq || Infinity
  } catch (error) {
    if (error instanceof RepoError) return Infinity
    throw error
  }
}
