import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { makeCommits } from './events.ts'

/** A Jetstream that sends what a network would, as fast as it is told. */
export interface Source extends AsyncDisposable {
  readonly url: string
  readonly sent: number
  /** From now on so many events a second. */
  setRate(perSecond: number): void
}

const tickMs = 10

/** Starts one that has `count` different events; after them it has nothing to send. */
export async function startSource(count: number): Promise<Source> {
  const lines = makeCommits(count).map(({ did, rev, ops: [op] }) => {
    const { action: operation, collection, rkey, record, cid } = op!
    const content = record ? `,"record":${Buffer.from(record).toString()},"cid":"${cid}"` : ''
    const head = `{"did":"${did}","time_us":`
    const commit = `{"rev":"${rev}","operation":"${operation}","collection":"${collection}","rkey":"${rkey}"${content}}`
    return { head, tail: `,"kind":"commit","commit":${commit}}` }
  })
  const sockets = new Set<WebSocket>()
  const http = createServer()
  const server = new WebSocketServer({ server: http, perMessageDeflate: false })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  let [sent, rate, since, sentBefore, lastUs] = [0, 0, 0, 0, 0]
  const timer = setInterval(() => {
    const due = Math.min(lines.length, sentBefore + Math.floor(((performance.now() - since) * rate) / 1000))
    for (; sent < due; sent++) {
      const { head, tail } = lines[sent]!
      lastUs = Math.max(Date.now() * 1000, lastUs + 1)
      for (const socket of sockets) socket.send(`${head}${lastUs}${tail}`)
    }
  }, tickMs)
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/subscribe`,
    get sent() {
      return sent
    },
    setRate(perSecond) {
      rate = perSecond
      since = performance.now()
      sentBefore = sent
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      for (const socket of sockets) socket.terminate()
      http.close()
      http.closeAllConnections()
    },
  }
}
