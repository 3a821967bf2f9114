import { register } from '@prometheus-io/client'
import { describe, expect, it } from 'vitest'

import { createLogger } from '../logger.ts'
import { listenMetrics } from './listener.ts'
import { createMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'
import { metricsTable } from './table.ts'

const bare = (): Metrics => createMetrics({ process: false })

const declare = (labels: Record<string, readonly string[] | number>) => () =>
  bare().gauge({ name: 'probe_x', help: 'X.', labels })

/** The lines of one metric, as Prometheus would read them. */
async function scrape(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.registry.metrics()
  return text.split('\n').filter(line => line.startsWith(name))
}

describe('counters', () => {
  it('count, with and without labels', async () => {
    const metrics = bare()
    const events = metrics.counter({ name: 'probe_events_total', help: 'Events.' })
    const dropped = metrics.counter({
      name: 'probe_dropped_total',
      help: 'Dropped.',
      labels: { reason: ['size', 'depth'] },
    })
    events.inc()
    events.inc(5)
    dropped.inc({ reason: 'size' })
    dropped.inc({ reason: 'size' }, 2)
    dropped.with({ reason: 'depth' }).inc(7)
    expect(await scrape(metrics, 'probe_events_total')).toEqual(['probe_events_total 6'])
    expect(await scrape(metrics, 'probe_dropped_total')).toEqual([
      'probe_dropped_total{reason="size"} 3',
      'probe_dropped_total{reason="depth"} 7',
    ])
  })

  it('start every declared series at 0', async () => {
    const metrics = bare()
    metrics.counter({ name: 'probe_a_total', help: 'A.', labels: { kind: ['x', 'y'], ok: ['yes', 'no'] } })
    expect(await scrape(metrics, 'probe_a_total')).toEqual([
      'probe_a_total{kind="x",ok="yes"} 0',
      'probe_a_total{kind="x",ok="no"} 0',
      'probe_a_total{kind="y",ok="yes"} 0',
      'probe_a_total{kind="y",ok="no"} 0',
    ])
  })

  it('must be named as counters', () => {
    expect(() => bare().counter({ name: 'probe_events', help: 'Events.' })).toThrow('must end in _total')
  })
})

describe('labels', () => {
  it('take values beyond the declared ones as other', async () => {
    const metrics = bare()
    const dropped = metrics.counter({
      name: 'probe_dropped_total',
      help: 'Dropped.',
      labels: { reason: ['size'] },
    })
    for (let i = 0; i < 1_000; i++) dropped.inc({ reason: `made up ${i}` })
    dropped.with({ reason: 'made up too' }).inc()
    expect(await scrape(metrics, 'probe_dropped_total')).toEqual([
      'probe_dropped_total{reason="size"} 0',
      'probe_dropped_total{reason="other"} 1001',
    ])
  })

  it('take as many different values as allowed, then other', async () => {
    const metrics = bare()
    const gauge = metrics.gauge({ name: 'probe_lag_seconds', help: 'Lag.', labels: { host: 2 } })
    for (const [i, host] of ['a', 'b', 'c', 'd', 'a'].entries()) gauge.set({ host }, i)
    expect(await scrape(metrics, 'probe_lag_seconds')).toEqual([
      'probe_lag_seconds{host="a"} 4',
      'probe_lag_seconds{host="b"} 1',
      'probe_lag_seconds{host="other"} 3',
    ])
  })

  it('need a bound', () => {
    expect(declare({ host: 0 })).toThrow('needs a bound')
    expect(declare({ host: Number.NaN })).toThrow('needs a bound')
    expect(declare({ host: [] })).toThrow('without values')
  })
})

describe('gauges and histograms', () => {
  it('are read at the scrape', async () => {
    const metrics = bare()
    let lag: number | undefined
    metrics.gauge({ name: 'probe_lag_seconds', help: 'Lag.', read: () => lag })
    expect(await scrape(metrics, 'probe_lag_seconds')).toEqual(['probe_lag_seconds 0'])
    lag = 12
    expect(await scrape(metrics, 'probe_lag_seconds')).toEqual(['probe_lag_seconds 12'])
    lag = undefined
    expect(await scrape(metrics, 'probe_lag_seconds')).toEqual(['probe_lag_seconds 12'])
  })

  it('put values into buckets', async () => {
    const metrics = bare()
    const seconds = metrics.histogram({
      name: 'probe_seconds',
      help: 'Time.',
      buckets: [0.1, 1],
      labels: { ok: ['yes'] },
    })
    seconds.observe({ ok: 'yes' }, 0.5)
    expect(await scrape(metrics, 'probe_seconds')).toEqual([
      'probe_seconds_bucket{le="0.1",ok="yes"} 0',
      'probe_seconds_bucket{le="1",ok="yes"} 1',
      'probe_seconds_bucket{le="+Inf",ok="yes"} 1',
      'probe_seconds_sum{ok="yes"} 0.5',
      'probe_seconds_count{ok="yes"} 1',
    ])
  })
})

describe('histograms', () => {
  it('count in the lowest bucket that holds a value, and above all of them', async () => {
    const metrics = bare()
    const sizes = metrics.histogram({ name: 'probe_bytes', help: 'Size.', buckets: [1, 10] })
    const lines = async (): Promise<string[]> => scrape(metrics, 'probe_bytes')
    expect(await lines()).toContain('probe_bytes_count 0')
    for (const value of [0, 1, 1.5, 10, 11, 1_000]) sizes.observe(value)
    expect(await lines()).toEqual([
      'probe_bytes_bucket{le="1"} 2',
      'probe_bytes_bucket{le="10"} 4',
      'probe_bytes_bucket{le="+Inf"} 6',
      'probe_bytes_sum 1023.5',
      'probe_bytes_count 6',
    ])
    expect(await metrics.registry.getSingleMetric('probe_bytes')?.get()).toMatchObject({
      name: 'probe_bytes',
      type: 'histogram',
      values: [{ labels: { le: 1 }, value: 2 }, {}, {}, {}, { metricName: 'probe_bytes_count', value: 6 }],
    })
  })

  it('have one series for the same labels, and for all beyond their bounds', async () => {
    const metrics = bare()
    const seconds = metrics.histogram({
      name: 'probe_seconds',
      help: 'Time.',
      buckets: [1],
      labels: { route: 1, ok: ['yes'] },
    })
    const own = seconds.with({ route: '/a', ok: 'yes' })
    own.observe(0.5)
    seconds.observe({ route: '/a', ok: 'yes' }, 0.5)
    for (const route of ['/b', '/c']) seconds.with({ route, ok: 'no' }).observe(2)
    const counts = (await scrape(metrics, 'probe_seconds')).filter(line => line.includes('_count'))
    expect(counts).toEqual([
      'probe_seconds_count{route="/a",ok="yes"} 2',
      'probe_seconds_count{route="other",ok="other"} 2',
    ])
  })
})

describe('the registry', () => {
  it('is its own: nothing is global, and two do not share', async () => {
    const one = createMetrics()
    const two = createMetrics()
    one.counter({ name: 'probe_events_total', help: 'Events.' }).inc()
    two.counter({ name: 'probe_events_total', help: 'Events.' })
    expect(await scrape(two, 'probe_events_total')).toEqual(['probe_events_total 0'])
    expect(register.getMetricsAsArray()).toEqual([])
    expect((await scrape(one, 'process_cpu_seconds_total')).length).toBe(1)
  })

  it('refuses the same name twice', () => {
    const metrics = bare()
    metrics.gauge({ name: 'probe_x', help: 'X.' })
    expect(() => metrics.gauge({ name: 'probe_x', help: 'X.' })).toThrow('already been registered')
  })
})

describe('metricsTable', () => {
  it('has every declared metric, and not those of the process', () => {
    const metrics = createMetrics()
    metrics.counter({
      name: 'probe_dropped_total',
      help: 'Dropped | refused.',
      labels: { reason: ['size', 'a|b'], host: 50 },
    })
    metrics.gauge({ name: 'probe_lag_seconds', help: 'Lag.' })
    expect(metricsTable(metrics)).toMatchInlineSnapshot(`
      "| metric | type | labels | what it tells |
      |---|---|---|---|
      | \`probe_dropped_total\` | counter | \`reason\` (\`size\`, \`a\\|b\`), \`host\` (at most 50) | Dropped \\| refused. |
      | \`probe_lag_seconds\` | gauge | – | Lag. |"
    `)
  })
})

describe('listenMetrics', () => {
  it('serves metrics, and nothing else, on a port of its own', async () => {
    const metrics = createMetrics()
    metrics.counter({ name: 'probe_events_total', help: 'Events.' }).inc(3)
    let url: string
    {
      await using listener = await listenMetrics({
        metrics,
        listen: { host: '127.0.0.1', port: 0 },
        logger: createLogger({ name: 'probe', level: 'silent' }),
      })
      url = listener.url
      const response = await fetch(`${url}/metrics`)
      expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
      const text = await response.text()
      expect(text).toContain('\nprobe_events_total 3\n')
      expect(text).toContain('# HELP probe_events_total Events.')
      expect(text).toContain('nodejs_eventloop_lag_seconds')

      const elsewhere = await fetch(`${url}/xrpc/a.b.c`)
      expect(elsewhere.status).toBe(404)
      expect(await elsewhere.json()).toEqual({ error: 'NotFound', message: 'Metrics are at /metrics' })
    }
    await expect(fetch(`${url}/metrics`)).rejects.toThrow('fetch failed')
  })

  it('says nothing of internals when a metric cannot be read', async () => {
    const metrics = bare()
    metrics.gauge({
      name: 'probe_x',
      help: 'X.',
      read: () => {
        throw new Error('/data/private is gone')
      },
    })
    await using listener = await listenMetrics({
      metrics,
      listen: { host: '127.0.0.1', port: 0 },
      logger: createLogger({ name: 'probe', level: 'silent' }),
    })
    const response = await fetch(`${listener.url}/metrics`)
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      error: 'InternalServerError',
      message: 'Metrics could not be collected',
    })
  })
})
