import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { Hub } from '../hub.ts'
import type { HubLog } from '../log.ts'
import type { HubOptions } from '../options.ts'
import { type Subscriber, type SubscriberOptions, wantsAll } from '../subscriber.ts'
import { connectRaw, type RawClient, type RawOptions } from './raw-client.ts'
import { until } from './until.ts'

/** A client of the `ws` package and what it has received. */
export interface TestClient {
  readonly socket: WebSocket
  readonly texts: string[]
  readonly binaries: Buffer[]
  /** Both, in the order of their arrival. */
  readonly messages: (string | Buffer)[]
  closed: { code: number; reason: string } | undefined
}

/** The two ends of a connection: what `Hub.add` takes of the server's, and the client. */
export interface Connection<Client> {
  server: Pick<SubscriberOptions, 'socket' | 'stream'>
  client: Client
}

/** A hub on a real port. Connections are made first and added when the test wants it. */
export interface HubServer extends AsyncDisposable {
  readonly hub: Hub
  readonly port: number
  readonly failures: unknown[]
  connect(): Promise<Connection<TestClient>>
  connectRaw(options?: RawOptions): Promise<Connection<RawClient>>
  /** Connects and adds in one; by default everything that comes from now on, as text. */
  subscribe(options?: Partial<SubscriberOptions>): Promise<TestClient & { subscriber: Subscriber }>
}

/** Starts one. */
export async function startHub(log: HubLog, options: Partial<HubOptions> = {}): Promise<HubServer> {
  const failures: unknown[] = []
  const hub = new Hub({
    log,
    limiter: { take: () => 0 },
    heartbeat: position => `heartbeat ${position}`,
    onFailure: error => failures.push(error),
    tickMs: 1,
    ...options,
  })
  const http = createServer()
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
  const arrived = new Map<string, Connection<unknown>['server']>()
  let connections = 0
  sockets.on('connection', (socket, request: IncomingMessage) => {
    socket.on('error', () => {})
    arrived.set(request.url!, { socket, stream: request.socket })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const clients: WebSocket[] = []

  async function connect(): Promise<Connection<TestClient>> {
    const path = `/${connections++}`
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false })
    clients.push(socket)
    const client: TestClient = { socket, texts: [], binaries: [], messages: [], closed: undefined }
    socket.on('error', () => {})
    socket.on('close', (code, reason) => (client.closed = { code, reason: reason.toString() }))
    socket.on('message', (data: Buffer, isBinary) => {
      const message = isBinary ? data : data.toString()
      client.messages.push(message)
      if (typeof message === 'string') client.texts.push(message)
      else client.binaries.push(message)
    })
    await once(socket, 'open')
    return { server: await until(() => arrived.get(path)), client }
  }

  return {
    hub,
    port,
    failures,
    connect,
    async connectRaw(rawOptions) {
      const path = `/${connections++}`
      const client = await connectRaw(port, path, rawOptions)
      return { server: await until(() => arrived.get(path)), client }
    },
    async subscribe(subscriberOptions = {}) {
      const { server, client } = await connect()
      const subscriber = hub.add({ ...server, ...defaults, ...subscriberOptions })
      return Object.assign(client, { subscriber })
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.terminate()
      await hub[Symbol.asyncDispose]()
      for (const client of sockets.clients) client.terminate()
      sockets.close()
      http.close()
      http.closeAllConnections()
    },
  }
}

/** What most tests want of a subscriber. */
export const defaults = {
  client: '127.0.0.1',
  position: undefined,
  filter: wantsAll,
  encoding: undefined,
  idle: false,
  heartbeatMs: 0,
} satisfies Omit<SubscriberOptions, 'socket' | 'stream'>
