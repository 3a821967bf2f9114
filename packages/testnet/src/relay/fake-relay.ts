import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { encodeFrame, errorFrame, infoFrame, seqOf } from '../frame.ts'
import { closeAbruptly, listenOnLoopback, LOOPBACK } from '../listen.ts'
import { waitFor, within } from '../wait.ts'
import { type RelayConnection, Subscriber } from './connection.ts'
import { History } from './history.ts'
import { errorBody, type Refusal, refuseUpgrade } from './refusal.ts'
import type { FakeRelay, FakeRelayOptions } from './types.ts'

const SUBSCRIBE = '/xrpc/com.atproto.sync.subscribeRepos'

/** Connections that no test asked for with `nextConnection` are kept up to this number. */
const MAX_UNSEEN = 1_000

/**
 * Starts a relay that does what a test tells it: `GET /xrpc/com.atproto.sync.subscribeRepos?cursor=` on loopback, with
 * nothing in it until frames are pushed. Frames are sent as they are, valid or not. A cursor that is no whole number
 * from 0 up is refused with 400, a request without an upgrade with 426.
 */
export async function startFakeRelay(options: FakeRelayOptions = {}): Promise<FakeRelay> {
  const { cursorStyle = '>', encode = encodeFrame } = options
  const history = new History(options.maxHistory ?? 10_000)
  const subscribers = new Set<Subscriber>()
  const unseen: RelayConnection[] = []
  const rawSockets = new Set<Duplex>()
  const cursors: (number | undefined)[] = []
  const counts = { refused: 0, pings: 0 }
  const drainWaiters: (() => void)[] = []
  let refusal: { rule: Refusal; left: number } | undefined
  let stalled = false
  let deaf = false

  const server = createServer((request, response) => {
    if (pathOf(request) === SUBSCRIBE) {
      sendError(response, 426, 'UpgradeRequired')
    } else if (options.onRequest) {
      options.onRequest(request, response)
    } else {
      sendError(response, 404, 'MethodNotImplemented')
    }
  })
  // A server forgets its connections once they are upgraded, and then waits for them when it closes.
  server.on('connection', socket => {
    rawSockets.add(socket)
    socket.once('close', () => rawSockets.delete(socket))
  })
  // Pongs are ours to give: a relay can be told not to.
  const sockets = new WebSocketServer({ noServer: true, autoPong: false, perMessageDeflate: false })

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const cursor = cursorOf(request)
    const rule = pathOf(request) !== SUBSCRIBE ? { status: 404 } : takeRefusal()
    if (rule || cursor === 'invalid') {
      counts.refused++
      return refuseUpgrade(socket, rule ?? { status: 400 })
    }
    sockets.handleUpgrade(request, socket, head, ws => admit(ws, request, cursor))
  })

  function takeRefusal(): Refusal | undefined {
    if (!refusal || refusal.left === 0) return undefined
    refusal.left--
    return refusal.rule
  }

  function admit(ws: WebSocket, request: IncomingMessage, cursor: number | undefined): void {
    cursors.push(cursor)
    const subscriber = new Subscriber(cursors.length, ws, request.headers, cursor, settle)
    subscribers.add(subscriber)
    ws.on('ping', data => {
      counts.pings++
      if (!deaf) ws.pong(data)
    })
    ws.once('close', () => {
      subscribers.delete(subscriber)
      settle()
    })
    if (unseen.push(subscriber) > MAX_UNSEEN) unseen.shift()
    begin(subscriber, cursor)
  }

  /** Decides where a new connection starts, by the table of cursors in the protocol. */
  function begin(subscriber: Subscriber, cursor: number | undefined): void {
    if (cursor === undefined) {
      subscriber.startAt(history.end)
    } else if (cursor > history.latest) {
      if (options.futureCursor !== 'live') {
        return failOne(subscriber, 'FutureCursor', 'the cursor is beyond the last event')
      }
      subscriber.startAt(history.end)
    } else {
      // A cursor of 0 asks for all there is; nothing about it can be outdated.
      if (cursor > 0 && history.isOutdated(cursor, cursorStyle) && options.outdatedCursor !== 'silent') {
        subscriber.send(encode(infoFrame('OutdatedCursor', 'the cursor is older than the history')))
      }
      subscriber.startAt(history.positionAfter(cursor, cursorStyle))
    }
    if (!stalled) subscriber.catchUp(history)
  }

  function failOne(subscriber: Subscriber, error: string, message?: string): void {
    subscriber.send(encode(errorFrame(error, message)))
    subscriber.close(1008, error)
  }

  function settle(): void {
    if (![...subscribers].every(subscriber => subscriber.settled)) return
    for (const waiter of drainWaiters.splice(0)) waiter()
  }

  function toAll(data: Uint8Array | string): void {
    for (const subscriber of subscribers) subscriber.send(data)
  }

  function catchUpAll(): void {
    for (const subscriber of subscribers) subscriber.catchUp(history)
  }

  const port = await listenOnLoopback(server, options.port)
  return {
    url: `ws://${LOOPBACK}:${port}`,
    port,
    push(frame, seq) {
      const bytes = frame instanceof Uint8Array ? frame : encode(frame)
      history.add({ seq: seq ?? seqOf(bytes) ?? history.latest, bytes })
      if (!stalled) catchUpAll()
    },
    send: data => toAll(typeof data === 'string' || data instanceof Uint8Array ? data : encode(data)),
    info: (name, message) => toAll(encode(infoFrame(name, message))),
    fail(error, message) {
      for (const subscriber of subscribers) failOne(subscriber, error, message)
    },
    forgetBefore: seq => history.forgetBefore(seq),
    refuse(rule) {
      refusal = { rule, left: rule.times ?? Number.POSITIVE_INFINITY }
    },
    accept() {
      refusal = undefined
    },
    stall() {
      stalled = true
    },
    resume() {
      stalled = false
      catchUpAll()
    },
    ignorePings(ignore = true) {
      deaf = ignore
    },
    close(code, reason) {
      for (const subscriber of subscribers) subscriber.close(code, reason)
    },
    cut() {
      for (const subscriber of subscribers) subscriber.cut()
    },
    nextConnection: (timeoutMs = 10_000) =>
      waitFor(() => unseen.shift(), { what: 'a connection to the fake relay', timeoutMs }),
    drained: timeoutMs => {
      const drained = new Promise<void>(resolve => {
        drainWaiters.push(resolve)
        settle()
      })
      return within(drained, 'the fake relay to be drained', timeoutMs)
    },
    stats: () => ({
      ...counts,
      connections: cursors.length,
      open: [...subscribers].filter(({ open }) => open).length,
      cursors: [...cursors],
    }),
    async [Symbol.asyncDispose]() {
      for (const socket of rawSockets) socket.destroy()
      await closeAbruptly(server)
    },
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? ''
}

function cursorOf({ url = '' }: IncomingMessage): number | 'invalid' | undefined {
  const text = new URL(url, 'http://relay').searchParams.get('cursor')
  if (text === null) return undefined
  const cursor = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(cursor) ? cursor : 'invalid'
}

function sendError(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(errorBody(error, ''))
}
