import type { Metrics } from '@orrery/server'
import { type Flags, startTestService, type TestService } from '@orrery/server/testing'
import { connectSubscriber, type Subscriber } from '@orrery/testnet'
import { type Jetstream, jetstreamOptions, startJetstream } from '../src/service.ts'

/** A Jetstream in this process, on free ports and in a folder of its own. */
export interface TestJetstream extends TestService<Jetstream> {
  /** `ws://…/subscribe` with parameters. */
  subscribeUrl(query?: string): string
}

/** Starts one. A given `data-dir` is kept. */
export async function startTestJetstream(flags: Flags): Promise<TestJetstream> {
  const test = await startTestService(
    { name: 'jetstream', options: jetstreamOptions, start: startJetstream },
    flags,
  )
  return {
    ...test,
    subscribeUrl: (query = '') =>
      `${test.service.url.replace('http', 'ws')}/subscribe${query === '' ? '' : `?${query}`}`,
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
