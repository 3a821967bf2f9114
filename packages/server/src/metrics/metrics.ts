import { collectDefaultMetrics, Counter, Gauge, Registry } from '@prometheus-io/client'

import { boundLabels } from './labels.ts'
import type { Bounds, LabelValues } from './labels.ts'
import { Tallies } from './tallies.ts'

/** What every metric declares. */
type Declaration<B extends Bounds> = {
  /** `<service>_<noun>_<unit>`, counters end in `_total`; base units: seconds, bytes. */
  name: string
  /** One sentence, for dashboards and for the README. */
  help: string
  /**
   * The labels and the values that each may take: a list of them, or the largest number of different ones. Anything beyond is counted
   * as `other`, so that nothing upstream or a client sends can grow the registry.
   */
  labels?: B
}

// Without declared labels, `B` is inferred as `Bounds` itself, whose keys are any string.

/**
 * What is counted elsewhere already, asked at each scrape: a number, or for a metric with one label a number for each of its values.
 * Undefined leaves the last value.
 */
export type Reading = () => number | Readonly<Record<string, number>> | undefined

/** How often something happened. */
export type CounterMetric<B extends Bounds> = {
  /** Adds `by`, 1 when not given. */
  inc(...args: string extends keyof B ? [by?: number] : [labels: LabelValues<B>, by?: number]): void
  /** The counter of fixed labels, cheaper on a hot path. */
  with(labels: LabelValues<B>): { inc(by?: number): void }
}

/** How much there is now. */
export type GaugeMetric<B extends Bounds> = {
  set(...args: string extends keyof B ? [value: number] : [labels: LabelValues<B>, value: number]): void
}

/** How values are spread. */
export type HistogramMetric<B extends Bounds> = {
  observe(...args: string extends keyof B ? [value: number] : [labels: LabelValues<B>, value: number]): void
  /** The histogram of fixed labels, cheaper on a hot path. */
  with(labels: LabelValues<B>): { observe(value: number): void }
}

/** A metric as documentation shows it. */
export type MetricInfo = {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  /** Each label and what it may be. */
  labels: readonly { name: string; values: readonly string[] | number }[]
}

/** The metrics of one process, in a registry of their own. */
export type Metrics = {
  readonly registry: Registry
  /** What has been declared so far, in order of declaration; without the process metrics. */
  readonly infos: readonly MetricInfo[]
  /** `read` takes the place of `inc`: it answers the total since the start. */
  counter<const B extends Bounds>(declaration: Declaration<B> & { read?: Reading }): CounterMetric<B>
  /** `read` takes the place of `set`. */
  gauge<const B extends Bounds>(declaration: Declaration<B> & { read?: Reading }): GaugeMetric<B>
  /** `buckets` are upper bounds, ascending; see `secondsBuckets` and `bytesBuckets`. */
  histogram<const B extends Bounds>(
    declaration: Declaration<B> & { buckets: readonly number[] },
  ): HistogramMetric<B>
}

/** Upper bounds for durations in seconds, from a cache hit to a slow upstream. */
export const secondsBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const
/** Upper bounds for sizes in bytes, from a small event to the largest CAR that is accepted. */
export const bytesBuckets = [
  256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
] as const

/**
 * Makes an empty registry, with the metrics of the process (CPU, memory, event loop lag, garbage collection) unless `process` is false.
 */
export function createMetrics(options: { process?: boolean } = {}): Metrics {
  const registry = new Registry()
  if (options.process !== false) collectDefaultMetrics({ register: registry })
  const infos: MetricInfo[] = []

  /** Notes the metric, and hands back what the client library needs and how labels are bounded. */
  function declare(type: MetricInfo['type'], { name, help, labels = {} }: Declaration<Bounds>) {
    infos.push({
      name,
      type,
      help,
      labels: Object.entries(labels).map(([label, values]) => ({ name: label, values })),
    })
    return {
      configuration: { name, help, labelNames: Object.keys(labels), registers: [registry] },
      bound: boundLabels(labels),
    }
  }

  return {
    registry,
    infos,
    counter({ read, ...declaration }) {
      if (!declaration.name.endsWith('_total'))
        throw new TypeError(`the counter ${declaration.name} must end in _total`)
      const { configuration, bound } = declare('counter', declaration)
      const counter: Counter<string> = new Counter({
        ...configuration,
        ...(read && {
          collect() {
            const values = readings(read, configuration.labelNames)
            if (values.length > 0) this.reset()
            for (const [labels, value] of values) this.inc(bound.apply(labels), value)
          },
        }),
      })
      // A series that appears with its first event has no rate before the second: start them all at 0 where they are known.
      for (const labels of bound.known) counter.inc(labels, 0)
      return {
        inc(...args: unknown[]) {
          const [labels, by] = split(args)
          counter.inc(bound.apply(labels), by ?? 1)
        },
        with: labels => counter.labels(bound.apply(labels as Record<string, string>)),
      }
    },
    gauge({ read, ...declaration }) {
      const { configuration, bound } = declare('gauge', declaration)
      const gauge: Gauge<string> = new Gauge({
        ...configuration,
        ...(read && {
          collect() {
            for (const [labels, value] of readings(read, configuration.labelNames))
              this.set(bound.apply(labels), value)
          },
        }),
      })
      return {
        set(...args: unknown[]) {
          const [labels, value] = split(args)
          gauge.set(bound.apply(labels), value ?? 0)
        },
      }
    },
    histogram({ buckets, ...declaration }) {
      const { configuration, bound } = declare('histogram', declaration)
      const tallies = new Tallies({ ...configuration, buckets })
      const tallyOf = (labels: Record<string, string>) => tallies.tally(bound.apply(labels))
      return {
        observe(...args: unknown[]) {
          const [labels, value] = split(args)
          tallyOf(labels).observe(value ?? 0)
        },
        with: labels => tallyOf(labels as Record<string, string>),
      }
    },
  }
}

/** What was read, as labels and values. */
function readings(read: Reading, [label = '']: readonly string[]): [Record<string, string>, number][] {
  const reading = read()
  if (reading === undefined) return []
  if (typeof reading === 'number') return [[{}, reading]]
  return Object.entries(reading).map(([name, value]) => [{ [label]: name }, value])
}

/** Labels come first, and only where a metric has any. */
function split(args: unknown[]): [labels: Record<string, string>, value: number | undefined] {
  const [first, second] = args
  if (typeof first === 'object' && first !== null) {
    return [first as Record<string, string>, second as number | undefined]
  }
  return [{}, first as number | undefined]
}
