// What the service is compared with: a server that hands each event to each of its WebSockets, as a first version would.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { serveProcess } from '@orrery/testnet'
import { WebSocketServer } from 'ws'
import { EventClock, EventEncoder } from '../src/encode.ts'
import { linesOf } from '../src/testing/make-events.ts'
import { createFeed, makeCommits } from './feed.ts'

const http = createServer()
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
const { port } = http.address() as AddressInfo

const feed = createFeed(makeCommits(5_000), new AbortController().signal)
const encoder = new EventEncoder(new EventClock(0))
void (async () => {
  for await (const { events } of feed) {
    for (const line of linesOf(encoder.encode(events))) {
      for (const socket of sockets.clients) socket.send(line)
    }
    // Where it cannot keep up there is always more to send; whoever calls is to be heard all the same.
    await nextTurn()
  }
})()

// Of the other server's methods those that it has, too.
const api = {
  start: (): string => `ws://127.0.0.1:${port}/`,
  feed: ({ perSecond }: { perSecond: number }): void => feed.setRate(perSecond),
  sent: (): number => feed.sent,
}

serveProcess(api)
