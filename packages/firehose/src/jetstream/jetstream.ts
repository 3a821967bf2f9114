import type { DropReason } from '../drops.ts'
import type { FirehoseEvent } from '../events.ts'
import { type Follow, takeInTurns } from '../follow.ts'
import { readJetstreamMessage } from './message.ts'
import type { RecentNames } from './recent.ts'

/**
 * Follows one Jetstream over one connection, as `followRelay` does a relay. What it sends is taken at its word: it has
 * checked, or not, what nobody behind it can. Its cursor is inclusive, and some servers give several events one time, so
 * what was seen at the cursor itself is remembered by name. So is, in `recent`, what came lately: servers are known to
 * send events twice or out of order where replay and live stream meet, and after a change of servers some come again.
 */
export async function followJetstream(
  follow: Follow,
  recent: RecentNames,
  onDrop?: (reason: DropReason, did: string, detail: string) => void,
): Promise<void> {
  const { state, outbox, stats } = follow
  const url = new URL(state.source.url)
  const asked = state.cursor
  if (asked !== undefined) url.searchParams.set('cursor', String(asked))
  // A server that still has the event at a cursor of its own begins with it.
  let mustBeginAt = state.cursorIsItsOwn ? asked : undefined

  const drop = (reason: DropReason, did: string, detail: string): void => {
    stats.dropped[reason]++
    onDrop?.(reason, did, detail)
  }

  await takeInTurns(follow, url, async message => {
    stats.frames++
    stats.bytes += message.length
    let event: FirehoseEvent | undefined
    try {
      event = readJetstreamMessage(message, state.source.key)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      drop('jetstream_bad_message', '', error.message)
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
    if ((asked !== undefined && timeUs < asked) || state.wasSeenAt(timeUs, name) || !recent.add(name)) {
      drop('replay', event.did, `time_us=${timeUs}`)
      return
    }
    // The position does not go back with a server's clock: what lies between would come once more after a restart.
    const position = Math.max(timeUs, state.cursor ?? 0)
    if (timeUs < position) stats.seqRegressions++
    const time = new Date(position / 1000).toISOString()
    state.watermark.add(position, time).done = true
    state.received(position, time)
    state.seen(position, name)
    stats.events[event.kind]++
    if (event.kind === 'commit') {
      stats.ops++
      stats.unverified++
    }
    outbox.push(event)
  })
}

/** What tells an event from every other, on whichever server. */
function nameOf(event: FirehoseEvent): string {
  switch (event.kind) {
    case 'commit': {
      const { action, collection, rkey } = event.ops[0]!
      return `${action} ${event.did}/${collection}/${rkey} ${event.rev}`
    }
    case 'identity':
      return `identity ${event.did} ${event.time} ${event.handle ?? ''}`
    case 'account':
      return `account ${event.did} ${event.time} ${event.active} ${event.status ?? ''}`
    case 'sync':
      return `sync ${event.did} ${event.rev}`
  }
}
