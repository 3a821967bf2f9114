import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions, type Metrics } from '@orrery/server'
import { waitFor } from '@orrery/testnet'
import { WebSocket } from 'ws'
import { type Jetstream, jetstreamOptions, startJetstream } from '../src/service.ts'

/** A Jetstream in this process, on free ports and in a folder of its own. */
export interface TestJetstream extends AsyncDisposable {
  readonly service: Jetstream
  readonly dataDir: string
  readonly metrics: Metrics
  /** `ws://…/subscribe` with parameters. */
  subscribeUrl(query?: string): string
  /** What was reported as broken for good. */
  readonly failures: unknown[]
}

/** Flags as an operator would give them, without their dashes; a list repeats its flag. */
export type Flags = Record<string, string | true | readonly string[]>

/** Starts one. A given `data-dir` is kept. */
export async function startTestJetstream(flags: Flags): Promise<TestJetstream> {
  const dataDir =
    typeof flags['data-dir'] === 'string' ? flags['data-dir'] : await mkdtemp(join(tmpdir(), 'jetstream-'))
  const all: Flags = {
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'log-level': 'silent',
    'verify-threads': '1',
    'data-dir': dataDir,
    ...flags,
  }
  const argv = Object.entries(all).flatMap(([name, value]) =>
    value === true ? `--${name}` : [value].flat().map(each => `--${name}=${each}`),
  )
  const loaded = loadOptions(jetstreamOptions, { argv, env: {} })
  if (!('options' in loaded)) throw new Error('the flags asked for help')
  const metrics = createMetrics({ process: false })
  const stop = new AbortController()
  const failures: unknown[] = []
  const service = await startJetstream({
    options: loaded.options,
    logger: createLogger({ name: 'jetstream', level: (process.env.TEST_LOG_LEVEL as 'info') ?? 'silent' }),
    metrics,
    version: '0.0.0',
    signal: stop.signal,
    fail: error => failures.push(error),
  })
  return {
    service,
    dataDir,
    metrics,
    failures,
    subscribeUrl: (query = '') =>
      `${service.url.replace('http', 'ws')}/subscribe${query === '' ? '' : `?${query}`}`,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await service[Symbol.asyncDispose]()
      if (flags['data-dir'] === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** The value of a metric with exactly these labels, as a scrape would show it. */
export async function metricValue(
  metrics: Metrics,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)?.get()
  const value = metric?.values.find(({ labels: own }) => {
    const names = Object.keys(own)
    return names.length === Object.keys(labels).length && names.every(label => own[label] === labels[label])
  })
  if (!value) throw new Error(`there is no ${name} ${JSON.stringify(labels)}`)
  return value.value
}

export interface Message {
  data: Buffer
  isBinary: boolean
}

/** A plain subscriber that keeps what comes. */
export interface Client extends Disposable {
  readonly socket: WebSocket
  readonly messages: Message[]
  /** The messages as lines; binary ones as they are. */
  readonly lines: string[]
  /** The messages parsed. */
  readonly events: Event[]
  /** Resolves when this many messages have come. */
  count(messages: number, timeoutMs?: number): Promise<void>
  /** Resolves to the code and reason of the close. */
  readonly closed: Promise<{ code: number; reason: string }>
  send(value: unknown): void
}

export interface Event {
  did: string
  time_us: number
  kind: string
  commit?: {
    rev: string
    operation: string
    collection: string
    rkey: string
    record?: unknown
    cid?: string
  }
  identity?: { did: string; handle?: string; seq: number; time: string }
  account?: { did: string; active: boolean; seq: number; status?: string; time: string }
}

/** Connects a plain subscriber; rejects where the upgrade is refused. */
export async function subscribe(url: string, headers: Record<string, string> = {}): Promise<Client> {
  const socket = new WebSocket(url, { headers })
  const messages: Message[] = []
  socket.on('message', (data: Buffer, isBinary) => messages.push({ data, isBinary }))
  const closed = new Promise<{ code: number; reason: string }>(resolve => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  return {
    socket,
    messages,
    closed,
    get lines() {
      return messages.map(({ data }) => data.toString())
    },
    get events() {
      return messages.map(({ data }) => JSON.parse(data.toString()) as Event)
    },
    count: (wanted, timeoutMs = 10_000) =>
      waitFor(() => messages.length >= wanted, { timeoutMs }).then(
        () => undefined,
        () => {
          throw new Error(`expected ${wanted} messages, got ${messages.length}`)
        },
      ),
    send: value => socket.send(typeof value === 'string' ? value : JSON.stringify(value)),
    [Symbol.dispose]: () => socket.terminate(),
  }
}

/** What the server answers to an upgrade that it refuses. */
export async function refusedUpgrade(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(url, { headers })
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.terminate()
      reject(new Error('the upgrade was accepted'))
    })
    socket.on('error', () => {})
    socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
  })
}

/** A line without its time, which is the server's own. */
export function withoutTime(line: string): string {
  return line.replace(/"time_us":\d+/, '"time_us":0')
}
