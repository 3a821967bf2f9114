import { Histogram, type Registry } from '@prometheus-io/client'

/** What is observed of one series. */
export interface Tally {
  observe(value: number): void
}

interface Series extends Tally {
  readonly labels: Readonly<Record<string, string>>
  /** How many values each bound is the lowest for; behind the last, those above all. */
  readonly counts: readonly number[]
  readonly sum: number
}

export interface TalliesOptions {
  name: string
  help: string
  labelNames: string[]
  /** Upper bounds, ascending. */
  buckets: readonly number[]
  registers: Registry[]
}

type Metric = Awaited<ReturnType<Histogram<string>['get']>>

/**
 * A histogram whose series count for themselves: to observe is to add to two numbers. The library's own checks and joins the
 * labels each time, and has its buckets under the text of their bounds, which is ten times the work.
 */
export class Tallies extends Histogram<string> {
  readonly #options: TalliesOptions
  readonly #series = new Map<string, Series>()

  constructor(options: TalliesOptions) {
    super({ ...options, buckets: [...options.buckets] })
    this.#options = options
    if (options.labelNames.length === 0) this.tally({})
  }

  /** The series of these labels, all that the metric has, always in the same order. */
  tally(labels: Readonly<Record<string, string>>): Tally {
    const key = JSON.stringify(labels)
    let series = this.#series.get(key)
    if (!series) this.#series.set(key, (series = createSeries(labels, this.#options.buckets)))
    return series
  }

  override get(): Promise<Metric> {
    const { name, help, buckets } = this.#options
    const values = [...this.#series.values()].flatMap(series => samplesOf(name, buckets, series))
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values } as Metric)
  }

  /** What the registry asks for in place of `get`. */
  getForPromString(): Promise<Metric> {
    return this.get()
  }
}

function createSeries(labels: Readonly<Record<string, string>>, bounds: readonly number[]): Series {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  const series = {
    labels,
    counts,
    sum: 0,
    observe(value: number): void {
      let i = 0
      while (i < bounds.length && value > bounds[i]!) i++
      counts[i]!++
      series.sum += value
    },
  }
  return series
}

/** A series as it is scraped: each bucket with all below it. */
function samplesOf(
  name: string,
  bounds: readonly number[],
  { labels, counts, sum }: Series,
): Metric['values'] {
  let below = 0
  const buckets = counts.map((count, i) => ({
    metricName: `${name}_bucket`,
    labels: { le: bounds[i] ?? '+Inf', ...labels },
    value: (below += count),
  }))
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ]
}
