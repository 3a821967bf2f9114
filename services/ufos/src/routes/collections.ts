import { invalidRequest } from '@orrery/server'
import { isValidNsid } from '@atproto/syntax'
import { childCursor, nsidCursor, readChildCursor, readNsidCursor } from '../params/cursor.ts'
import { cut, limit, maybeWindow, nsids, order, required, window } from '../params/query.ts'
import type { Child } from '../store.ts'
import { weekHours } from '../time.ts'
import { answer, type Endpoint } from './endpoint.ts'
import { collectionParam, cursorParam, limitParam, orderParam, sinceParam, untilParam } from './params.ts'
import { arrayOf, child, counts, cursor, match, nsidCounts, object } from './schemas.ts'
import { wireCollection, wireCounts, wireSeen } from './wire.ts'

const maxPage = 200
const pageSize = { byName: 100, ordered: 32 }
const maxStats = 500
const searchSize = 16
const maxTerms = 16
const maxQuery = 256

const windowParams = [
  sinceParam('Without it and `until`, all time, the hour that is under way included.'),
  untilParam,
  limitParam(maxPage, `How many on a page; ${pageSize.byName}, or ${pageSize.ordered} with an order.`),
  orderParam,
  cursorParam,
]

export const collections: Endpoint = {
  path: '/collections',
  title: 'All collections',
  summary:
    'By name and paged, or the first of an order. Counts are of the window, and exact in every order; `cursor` is null on the last page.',
  params: windowParams,
  answer: object({ collections: arrayOf(nsidCounts), cursor }),
  async run(query, { reader, now }) {
    const by = order(query)
    const size = limit(query, { max: maxPage, fallback: by ? pageSize.ordered : pageSize.byName })
    const when = maybeWindow(query, now())
    if (by) {
      const found = await reader.ranked({ window: when, limit: size, order: by })
      return answer({ collections: found.map(wireCollection), cursor: null })
    }
    const after = readNsidCursor(query)
    const found = await reader.list({ window: when, limit: size, after })
    const last = found.length === size ? found.at(-1) : undefined
    return answer({ collections: found.map(wireCollection), cursor: last ? nsidCursor(last.nsid) : null })
  },
}

export const stats: Endpoint = {
  path: '/collections/stats',
  title: 'Counts of some collections',
  summary: 'Of every collection that is asked for, zeros where nothing is known of it.',
  params: [
    {
      ...collectionParam(`A collection; repeat it for several, up to ${maxStats}.`),
      required: true,
      repeatable: true,
    },
    sinceParam('A week ago if not given.'),
    untilParam,
  ],
  answer: { type: 'object', additionalProperties: counts },
  async run(query, { reader, now }) {
    const asked = [...new Set(nsids(query, 'collection', maxStats))]
    const found = await reader.counts(asked, window(query, now(), weekHours))
    // NSIDs have dots, so that none is a name that an object has already.
    return answer(Object.fromEntries(asked.map((nsid, i) => [nsid, wireCounts(found[i]!)])))
  },
}

export const prefix: Endpoint = {
  path: '/prefix',
  title: 'What is in a group of collections',
  summary:
    'The collections directly under a prefix, and the groups in it, each added up with every account counted once. `total` is of all that is under the prefix, whatever the page shows.',
  params: [
    {
      name: 'prefix',
      required: true,
      summary: 'At least two segments, without a dot at the end.',
      schema: { type: 'string' },
      example: 'app.bsky',
    },
    ...windowParams,
  ],
  answer: object({ total: counts, children: arrayOf(child), cursor }),
  async run(query, { reader, now }) {
    const name = required(query, 'prefix')
    if (!isValidNsid(`${name}.name`)) {
      throw invalidRequest(`"${cut(name)}" was not a valid NSID prefix: it takes at least two segments`)
    }
    const by = order(query)
    const size = limit(query, { max: maxPage, fallback: by ? pageSize.ordered : pageSize.byName })
    const when = maybeWindow(query, now())
    const after = by ? undefined : readChildCursor(query)
    const found = await reader.prefix({ prefix: name, window: when, limit: size, order: by, after })
    const last = !by && found.isMore ? found.children.at(-1) : undefined
    return answer({
      total: wireCounts(found.total),
      children: found.children.map(wireChild),
      cursor: last ? childCursor(last) : null,
    })
  },
}

export const search: Endpoint = {
  path: '/search',
  title: 'Find collections by their names',
  summary:
    'Names that have one of the terms in them, in whatever case: most terms first, then most accounts. Counts are of all time. `highlight` says where the terms are.',
  params: [
    {
      name: 'q',
      required: true,
      summary: `Terms of at least two letters, separated by blanks, up to ${maxTerms}; shorter ones are left out.`,
      schema: { type: 'string', maxLength: maxQuery },
      example: 'feed post',
    },
    limitParam(maxPage, `How many; ${searchSize} if not given.`),
  ],
  answer: object({ matches: arrayOf(match) }),
  async run(query, { reader }) {
    const q = required(query, 'q')
    if (q.length > maxQuery) throw invalidRequest(`"q" may have ${maxQuery} characters: ${q.length}`)
    const size = limit(query, { max: maxPage, fallback: searchSize })
    const terms = [...new Set(q.toLowerCase().split(/\s+/))].filter(term => term.length >= 2)
    if (terms.length === 0) throw invalidRequest('"q" needs a term of at least two letters')
    if (terms.length > maxTerms) throw invalidRequest(`"q" may have ${maxTerms} terms: ${terms.length}`)
    const found = await reader.search({ terms, limit: size })
    return answer({
      matches: found.map(one =>
        Object.assign(wireCollection(one), { highlight: highlight(one.nsid, terms) }),
      ),
    })
  },
}

function wireChild({ type, nsid, ...rest }: Child): object {
  const name = type === 'collection' ? { nsid } : { prefix: nsid }
  return { type, ...name, ...wireCounts(rest), ...wireSeen(rest) }
}

/** Where terms are in a name, from the front, joined where they touch. `end` is behind the last letter. */
export function highlight(nsid: string, terms: readonly string[]): { start: number; end: number }[] {
  const folded = nsid.toLowerCase()
  const found = terms.flatMap(term => {
    const places: { start: number; end: number }[] = []
    for (let at = folded.indexOf(term); at !== -1; at = folded.indexOf(term, at + 1)) {
      places.push({ start: at, end: at + term.length })
    }
    return places
  })
  const joined: { start: number; end: number }[] = []
  for (const place of found.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1)
    if (last && place.start <= last.end) last.end = Math.max(last.end, place.end)
    else joined.push(place)
  }
  return joined
}
