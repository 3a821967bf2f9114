import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions, type Metrics } from '@orrery/server'
import { waitFor } from '@orrery/testnet'
import { WebSocket } from 'ws'
import { type Spacedust, spacedustOptions, startSpacedust } from '../src/service.ts'

/** A Spacedust in this process, on free ports and in a folder of its own. */
export interface TestSpacedust extends AsyncDisposable {
  readonly service: Spacedust
  readonly dataDir: string
  readonly metrics: Metrics
  /** `ws://…/subscribe` with parameters. */
  subscribeUrl(query?: string): string
  /** What was reported as broken for good. */
  readonly failures: unknown[]
  /** What it wrote to its log. */
  readonly log: readonly { level: string; msg: string; [field: string]: unknown }[]
}

/** Flags as an operator would give them, without their dashes; a list repeats its flag. */
export type Flags = Record<string, string | true | readonly string[]>

/** Starts one. A given `data-dir` is kept. */
export async function startTestSpacedust(flags: Flags): Promise<TestSpacedust> {
  const dataDir =
    typeof flags['data-dir'] === 'string' ? flags['data-dir'] : await mkdtemp(join(tmpdir(), 'spacedust-'))
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
  const loaded = loadOptions(spacedustOptions, { argv, env: {} })
  if (!('options' in loaded)) throw new Error('the flags asked for help')
  const metrics = createMetrics({ process: false })
  const stop = new AbortController()
  const failures: unknown[] = []
  const log: TestSpacedust['log'][number][] = []
  const level = process.env.TEST_LOG_LEVEL as 'info' | undefined
  const stream = { write: (line: string) => log.push(JSON.parse(line) as (typeof log)[number]) }
  const service = await startSpacedust({
    options: loaded.options,
    logger: createLogger({ name: 'spacedust', level: level ?? 'info', ...(!level && { stream }) }),
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
    log,
    subscribeUrl: (query = '') =>
      `${service.url.replace('http', 'ws')}/subscribe${query === '' ? '' : `?${query}`}`,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await service[Symbol.asyncDispose]()
      if (flags['data-dir'] === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A message about a link. */
export interface LinkEvent {
  kind: string
  origin: string
  time_us?: number
  cid?: string
  record?: unknown
  link: { operation: string; source: string; source_record: string; source_rev: string; subject: string }
}

/** A subscriber that keeps what comes. */
export interface Client extends Disposable {
  readonly socket: WebSocket
  readonly messages: { data: Buffer; isBinary: boolean }[]
  readonly lines: string[]
  readonly events: LinkEvent[]
  /** Resolves when this many messages have come. */
  count(messages: number, timeoutMs?: number): Promise<void>
  /** Resolves to the code and reason of the close. */
  readonly closed: Promise<{ code: number; reason: string }>
  send(value: unknown): void
}

/** Connects a subscriber; rejects where the upgrade is refused. */
export async function subscribe(url: string): Promise<Client> {
  const socket = new WebSocket(url)
  const messages: Client['messages'] = []
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
      return messages.map(({ data }) => JSON.parse(data.toString()) as LinkEvent)
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
export async function refusedUpgrade(url: string): Promise<{ status: number; message: string }> {
  const socket = new WebSocket(url)
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.terminate()
      reject(new Error('the upgrade was accepted'))
    })
    socket.on('error', () => {})
    socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => {
        const { message } = JSON.parse(body) as { message: string }
        resolve({ status: response.statusCode ?? 0, message })
      })
    })
  })
}
