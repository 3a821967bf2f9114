import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createMetrics, loadOptions, type Metrics } from '@orrery/server'
import { connectSubscriber, type Subscriber } from '@orrery/testnet'
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

export { refusedUpgrade } from '@orrery/testnet'

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

/** A subscriber that keeps what comes. */
export type Client = Subscriber<Event>

/** Connects one; rejects where the upgrade is refused. */
export function subscribe(url: string, headers?: Record<string, string>): Promise<Client> {
  return connectSubscriber(url, headers)
}

/** A line without its time, which is the server's own. */
export function withoutTime(line: string): string {
  return line.replace(/"time_us":\d+/, '"time_us":0')
}
