import type { FirehoseEvent } from '../events.ts'
import { type Follow, takeInTurns } from '../follow.ts'
import type { DropReason } from '../drops.ts'
import { readJetstreamMessage } from './message.ts'

/**
 * Follows one Jetstream over one connection, as `followRelay` does a relay. What it sends is taken at its word: it has
 * checked, or not, what nobody behind it can. Its cursor is inclusive, and some servers give several events one time, so
 * what was seen at the cursor itself is remembered by name.
 */
export async function followJetstream(
  follow: Follow,
  onDrop?: (reason: DropReason, did: string, detail: string) => void,
): Promise<void> {
  const { state, outbox, stats } = follow
  const url = new URL(state.source.url)
  const asked = state.cursor
  if (asked !== undefined) url.searchParams.set('cursor', String(asked))
  // A server that still has the event at a cursor of its own begins with it.
  let mustBeginAt = state.cursorIsItsOwn ? asked : undefined

  await takeInTurns(follow, url, async message => {
    stats.frames++
    stats.bytes += message.length
    let event: FirehoseEvent | undefined
    try {
      event = readJetstreamMessage(message, state.source.key)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      stats.dropped.jetstream_bad_message++
      onDrop?.('jetstream_bad_message', '', error.message)
      return
    }
    if (!event) {
      stats.unknownMessages++
      return
    }
    const timeUs = event.timeUs!
    if (mustBeginAt !== undefined && timeUs > mustBeginAt) state.missed('outdated_cursor')
    mustBeginAt = undefined

    const name = nameOf(event)
    if ((state.cursor !== undefined && timeUs < state.cursor) || state.wasSeenAt(timeUs, name)) {
      stats.dropped.replay++
      return
    }
    state.watermark.add(timeUs, new Date(timeUs / 1000).toISOString()).done = true
    state.received(timeUs, state.watermark.newest!.time)
    state.seen(timeUs, name)
    stats.events[event.kind]++
    if (event.kind === 'commit') {
      stats.ops++
      stats.unverified++
    }
    outbox.push(event)
  })
}

function nameOf(event: FirehoseEvent): string {
  if (event.kind !== 'commit') return `${event.kind} ${event.did} ${event.seq}`
  const { action, collection, rkey } = event.ops[0]!
  return `${action} ${event.did}/${collection}/${rkey} ${event.rev}`
}
