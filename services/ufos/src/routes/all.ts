import { collections, prefix, search, stats } from './collections.ts'
import type { Endpoint } from './endpoint.ts'
import { lexicon } from './lexicon.ts'
import { meta } from './meta.ts'
import { records } from './records.ts'
import { timeseries, totals, trending } from './series.ts'

/** Every endpoint, in the order of the documentation. */
export const endpoints: readonly Endpoint[] = [
  collections,
  stats,
  prefix,
  timeseries,
  search,
  records,
  trending,
  totals,
  lexicon,
  meta,
]
