import { invalidRequest } from '@orrery/server'
import { checkNsid, limit, required, whole as wholeOf, window } from '../params/query.ts'
import { readSteps } from '../params/step.ts'
import type { Trend } from '../store.ts'
import { dayHours, weekHours } from '../time.ts'
import { answer, type Endpoint, type Param } from './endpoint.ts'
import { collectionParam, limitParam, sinceParam, untilParam } from './params.ts'
import { arrayOf, counts, object, time, trend, whole } from './schemas.ts'
import { wireCollection, wireCounts, wireHour } from './wire.ts'

const stepParam: Param = {
  name: 'step',
  summary:
    'How long each part is: seconds, at least 3600 and down to whole hours, from `since` on; or `hour`, `day`, `week` for those of UTC and weeks that begin on Thursdays, as 1970 did. A day of seconds if not given.',
  schema: { type: 'string', pattern: '^([0-9]+|hour|day|week)$' },
  example: 'day',
}

export const timeseries: Endpoint = {
  path: '/timeseries',
  title: 'A collection over time',
  summary: 'Counts for each part of a window, zeros where nothing happened. The last part may be shorter.',
  params: [
    { ...collectionParam('The collection.'), required: true },
    sinceParam('A week ago if not given.'),
    untilParam,
    stepParam,
  ],
  answer: object({
    range: arrayOf(time),
    series: { type: 'object', additionalProperties: arrayOf(counts) },
  }),
  async run(query, { reader, now }) {
    const nsid = checkNsid(required(query, 'collection'))
    const windows = readSteps(query, window(query, now(), weekHours))
    const series = await reader.series({ nsid, windows })
    const range = windows.map(({ since }) => wireHour(since))
    return answer({ range, series: { [nsid]: series.map(wireCounts) } })
  },
}

export const totals: Endpoint = {
  path: '/totals',
  title: 'The whole network over time',
  summary:
    'All events and all accounts, each counted once: `total` since the beginning, `series` for each part of a window. `other` is what came of collections beyond the largest number of them.',
  params: [sinceParam('A week ago if not given.'), untilParam, stepParam],
  answer: object({
    collections: whole,
    total: counts,
    other: counts,
    range: arrayOf(time),
    series: arrayOf(counts),
  }),
  async run(query, { reader, now }) {
    const windows = readSteps(query, window(query, now(), weekHours))
    const [store, series] = await Promise.all([reader.stats(), reader.series({ nsid: undefined, windows })])
    return answer({
      collections: store.collections,
      total: wireCounts(store),
      other: wireCounts(store.other),
      range: windows.map(({ since }) => wireHour(since)),
      series: series.map(wireCounts),
    })
  },
}

const trendSize = 32
const maxTrends = 200
const leastDids = 10

export const trending: Endpoint = {
  path: '/trending',
  title: 'What grows',
  summary:
    'Collections with more accounts than in the window of the same length before. Ordered by `growth_at_least`: how many times as many there are, as far as numbers of this size can tell (the low end of 95 %). Only those for which that is above 1; from 2 to 4 accounts may be chance, from 200 to 400 is none. `growth` is the bare ratio, null from zero.',
  params: [
    sinceParam('A day ago if not given.'),
    untilParam,
    {
      name: 'min_dids',
      summary: `Collections with so many accounts at least; ${leastDids} if not given.`,
      schema: { type: 'integer', minimum: 1 },
    },
    limitParam(maxTrends, `How many; ${trendSize} if not given.`),
  ],
  answer: object({ since: time, until: time, before: time, trending: arrayOf(trend) }),
  async run(query, { reader, now }) {
    const when = window(query, now(), dayHours)
    const size = limit(query, { max: maxTrends, fallback: trendSize })
    const minDids = wholeOf(query, 'min_dids') ?? leastDids
    if (minDids < 1) throw invalidRequest('"min_dids" must be at least 1')
    const before = Math.max(0, when.since - Math.max(0, when.until - when.since))
    const found = await reader.trending({ window: when, limit: size, minDids })
    return answer({
      since: wireHour(when.since),
      until: wireHour(when.until),
      before: wireHour(before),
      trending: found.map(wireTrend),
    })
  },
}

function wireTrend({ before, atLeast, ...now }: Trend): object {
  return {
    ...wireCollection(now),
    before: wireCounts(before),
    growth: before.dids === 0 ? null : rounded(now.dids / before.dids),
    growth_at_least: rounded(atLeast),
  }
}

function rounded(ratio: number): number {
  return Number(ratio.toPrecision(4))
}
