import { WebSocket } from 'ws'
import { type Frame, tryDecodeFrame } from './frame.ts'
import { waitFor, type WaitOptions } from './wait.ts'

/** A raw look at a firehose: what comes, kept in memory as it came. For tests, which end before that is much. */
export interface FirehoseTap extends AsyncDisposable {
  /** All frames so far, as received. */
  readonly frames: readonly Uint8Array[]
  /** The frames that can be decoded, decoded. */
  readonly messages: readonly Frame[]
  /** How it ended; `undefined` while it is open. */
  readonly ended: { readonly code: number; readonly reason: string } | undefined
  /** Waits for a message, also among those that came before; rejects when it does not come in time. */
  waitFor(matches: (message: Frame) => boolean, options?: WaitOptions): Promise<Frame>
  /** Does `act`, then waits for a message that came since it began: a PDS may take a second until it tells. */
  told(
    act: () => Promise<unknown>,
    matches: (message: Frame) => boolean,
    options?: WaitOptions,
  ): Promise<Frame>
}

/**
 * Subscribes to a firehose and resolves when the WebSocket is open.
 *
 * @param host `http://` or `ws://` and so on, without a path.
 * @throws Error when the server refuses.
 */
export async function tapFirehose(
  host: string,
  { cursor }: { readonly cursor?: number } = {},
): Promise<FirehoseTap> {
  const url = new URL('/xrpc/com.atproto.sync.subscribeRepos', host.replace(/^http/, 'ws'))
  if (cursor !== undefined) url.searchParams.set('cursor', String(cursor))

  const frames: Uint8Array[] = []
  const messages: Frame[] = []
  let ended: FirehoseTap['ended']
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const closed = new Promise<void>(resolve => {
    socket.once('close', (code, reason) => {
      ended = { code, reason: reason.toString() }
      resolve()
    })
  })
  socket.on('message', (data: Buffer) => {
    frames.push(data)
    const message = tryDecodeFrame(data)
    if (message) messages.push(message)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.on('error', reject)
  })

  return {
    frames,
    messages,
    get ended() {
      return ended
    },
    waitFor: (matches, options) =>
      waitFor(() => messages.find(matches), { what: 'a message of the firehose', ...options }),
    async told(act, matches, options) {
      const from = messages.length
      await act()
      return waitFor(() => messages.slice(from).find(matches), {
        what: 'what the firehose tells of it',
        ...options,
      })
    },
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed
    },
  }
}
