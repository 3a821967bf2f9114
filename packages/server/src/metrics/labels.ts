/** Each label with the values it may take: a list of them, or the largest number of different ones. */
export type Bounds = Readonly<Record<string, readonly string[] | number>>

/** A value for every label. Values beyond the declared ones are accepted, and counted as `other`. */
export type LabelValues<B extends Bounds> = {
  [Label in keyof B]: B[Label] extends readonly (infer Known)[] ? Known | (string & {}) : string
}

/** What a value is counted as that is beyond its bounds. */
export const OTHER = 'other'

/** Series that are worth starting at 0, at most: every combination of declared values. */
const MAX_KNOWN = 200

/** How the labels of one metric are held within their bounds. */
export type BoundLabels = {
  /** The same labels, with `other` for values beyond the bounds. */
  apply(labels: Readonly<Record<string, string>>): Record<string, string>
  /** Every combination of declared values; empty when a label has no list, or when there are too many. */
  known: readonly Record<string, string>[]
}

/**
 * @throws {TypeError} when a bound is not a positive number or a list with something in it
 */
export function boundLabels(bounds: Bounds): BoundLabels {
  const names = Object.keys(bounds)
  const limits = names.map(name => limitOf(name, bounds[name] ?? 0))
  return {
    apply(labels) {
      const bounded: Record<string, string> = {}
      for (const [i, name] of names.entries()) bounded[name] = limits[i]?.(labels[name] ?? OTHER) ?? OTHER
      return bounded
    },
    known: combinations(bounds),
  }
}

function limitOf(name: string, bound: readonly string[] | number): (value: string) => string {
  if (typeof bound === 'number') {
    if (!(bound >= 1)) throw new TypeError(`the label "${name}" needs a bound of at least 1`)
    const seen = new Set<string>()
    return value => {
      if (seen.has(value)) return value
      if (seen.size >= bound) return OTHER
      seen.add(value)
      return value
    }
  }
  if (bound.length === 0) throw new TypeError(`the label "${name}" is declared without values`)
  const declared = new Set(bound)
  return value => (declared.has(value) ? value : OTHER)
}

function combinations(bounds: Bounds): Record<string, string>[] {
  let all: Record<string, string>[] = [{}]
  for (const [name, values] of Object.entries(bounds)) {
    if (typeof values === 'number') return []
    all = all.flatMap(labels => values.map(value => Object.assign({}, labels, { [name]: value })))
    if (all.length > MAX_KNOWN) return []
  }
  return all
}
