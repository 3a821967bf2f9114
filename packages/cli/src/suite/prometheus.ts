/** What a service's metrics tell: each metric's value, over all its labels, and each series by name and labels. */
export interface Scrape {
  /** The sum of a metric's series; undefined where there is none. */
  sum(name: string): number | undefined
  /** One series, `name{label="value"}` as it stands there. */
  series(text: string): number | undefined
  /** The names of all metrics, as queries have them. */
  readonly names: ReadonlySet<string>
}

/** Reads the text form of Prometheus, version 0.0.4. Lines that are none are passed over. */
export function parseScrape(text: string): Scrape {
  const sums = new Map<string, number>()
  const all = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, series = '', name = '', digits = ''] = /^(([a-zA-Z_:][\w:]*)(?:\{.*\})?) (\S+)/.exec(line) ?? []
    if (name === '') continue
    const value = digits === '+Inf' ? Infinity : Number(digits)
    all.set(series, value)
    sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return { sum: name => sums.get(name), series: each => all.get(each), names: new Set(sums.keys()) }
}
