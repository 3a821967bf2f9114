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
    const accepted = pipeline.accept(state.source.key, bytes, state.watermark)
    if (accepted === 'event') {
      const { cursor, time } = state.watermark.newest!
      // The first frame behind a cursor tells whether the relay still counts as it did.
      if (last === 0 && asked !== undefined && cursor < asked) {
        state.restartFromTheOldest()
        throw new ConnectionError('closed', `its numbers are below our cursor ${asked}, so it was reset`)
      }
      if (cursor <= last) stats.seqRegressions++
      last = cursor
      state.received(cursor, time)
    } else if (typeof accepted === 'object' && 'error' in accepted) {
      if (accepted.error === 'FutureCursor') state.restartFromTheOldest()
      throw new ConnectionError('closed', `it said ${accepted.error}; ${accepted.message.slice(0, 200)}`)
    } else if (typeof accepted === 'object' && accepted.info === 'OutdatedCursor') {
      state.missed('outdated_cursor')
    }
    if (pipeline.full) await pipeline.room(signal)
  })
}
