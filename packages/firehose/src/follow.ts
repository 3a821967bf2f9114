import { openConnection } from './connection.ts'
import type { Outbox } from './outbox.ts'
import type { SourceState } from './source-state.ts'
import type { FirehoseStats } from './stats.ts'

/** What following any source takes. */
export interface Follow {
  state: SourceState
  outbox: Outbox
  stats: FirehoseStats
  signal: AbortSignal
  userAgent: string
  pingMs: number | undefined
  connectTimeoutMs: number | undefined
}

/** How many messages are taken before other work gets its turn. */
const messagesPerTurn = 256

/**
 * Connects and hands over each message, no faster than they are taken and the consumer makes room. Ends by throwing what
 * ended the connection, or what `take` threw; quietly on the signal alone.
 */
export async function takeInTurns(
  follow: Follow,
  url: URL,
  take: (message: Uint8Array) => Promise<void>,
): Promise<void> {
  const { state, outbox, stats, signal } = follow
  const connection = openConnection({
    url,
    signal,
    userAgent: follow.userAgent,
    pingMs: follow.pingMs,
    connectTimeoutMs: follow.connectTimeoutMs,
    silenceMs: () => state.suspiciousSilenceMs(),
    onOpen() {
      stats.connects++
      state.connected()
    },
  })
  let turn = 0
  try {
    for await (const messages of connection) {
      for (const message of messages) {
        await take(message)
        if (++turn % messagesPerTurn === 0) await new Promise(setImmediate)
        if (outbox.full) await outbox.room(signal)
        if (signal.aborted) return
      }
    }
  } finally {
    if (state.isConnected) stats.disconnects++
    state.disconnected()
  }
}
