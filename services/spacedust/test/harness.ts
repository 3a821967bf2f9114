import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions, type Metrics } from '@orrery/server'
import { connectSubscriber, refusedUpgrade as refuse, type Subscriber } from '@orrery/testnet'
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
export type Client = Subscriber<LinkEvent>

/** Connects one; rejects where the upgrade is refused. */
export function subscribe(url: string): Promise<Client> {
  return connectSubscriber(url)
}

/** What the server answers to an upgrade that it refuses. */
export async function refusedUpgrade(url: string): Promise<{ status: number; message: string }> {
  const { status, body } = await refuse(url)
  return { status, message: (JSON.parse(body) as { message: string }).message }
}
