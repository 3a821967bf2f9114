import type { QueryParams } from '@orrery/server'
import { readLegacyDids } from '../params/dids.ts'
import { readCollectionAndPath } from '../params/source.ts'
import { readSubject } from '../params/subject.ts'
import { backlinksView, countView, didsView } from '../pages/lists.ts'
import { sourcesView } from '../pages/sources.ts'
import type { SourceCounts } from '../store.ts'
import type { Endpoint } from './endpoint.ts'
import { type Asked, countOne, listBacklinks, listDids } from './lists.ts'
import {
  collectionParam,
  cursorParam,
  didsParam,
  limitParam,
  pathParam,
  sinceParam,
  targetParam,
  untilParam,
} from './params.ts'

// The routes from before XRPC. They have the source in two parameters, and say what is wrong in plain text.

export const links: Endpoint = {
  path: '/links',
  title: 'Records that link to a target',
  summary: 'The same as getBacklinks, newest first only.',
  group: 'older',
  errors: 'text',
  params: [
    targetParam,
    collectionParam,
    pathParam,
    didsParam('did'),
    {
      name: 'from_dids',
      kind: 'text',
      summary: 'The older form of did: DIDs with commas and nothing else between them.',
    },
    limitParam,
    sinceParam,
    untilParam,
    cursorParam,
  ],
  returns:
    '{"total":3,"linking_records":[{"did":"did:plc:…","collection":"app.bsky.feed.like","rkey":"3l…"}],"cursor":"…"}',
  async run(query, context) {
    const filter = { dids: readLegacyDids(query), reverse: false }
    const list = await listBacklinks(query, context, readAskedApart(query), filter)
    const body = { total: list.total.records, linking_records: list.items, cursor: list.cursor }
    return { body, view: () => backlinksView(list) }
  },
}

export const distinctDids: Endpoint = {
  path: '/links/distinct-dids',
  title: 'Accounts that link to a target',
  summary: 'The same as getBacklinkDids.',
  group: 'older',
  errors: 'text',
  params: [targetParam, collectionParam, pathParam, limitParam, cursorParam],
  returns: '{"total":2,"linking_dids":["did:plc:…"],"cursor":null}',
  async run(query, context) {
    const list = await listDids(query, context, readAskedApart(query))
    const body = { total: list.total, linking_dids: list.items, cursor: list.cursor }
    return { body, view: () => didsView(list) }
  },
}

export const countLinks: Endpoint = {
  path: '/links/count',
  title: 'How many records link to a target',
  summary: 'The same as getBacklinksCount.',
  group: 'older',
  errors: 'text',
  params: [targetParam, collectionParam, pathParam],
  returns: '{"total":42}',
  async run(query, context) {
    const { key, counts } = await countOne(context, readAskedApart(query))
    return { body: { total: counts.records }, view: () => countView(key, counts, 'records') }
  },
}

export const countDistinctDids: Endpoint = {
  path: '/links/count/distinct-dids',
  title: 'How many accounts link to a target',
  summary: 'Each counted once. The same number as the total of getBacklinkDids.',
  group: 'older',
  errors: 'text',
  params: [targetParam, collectionParam, pathParam],
  returns: '{"total":17}',
  async run(query, context) {
    const { key, counts } = await countOne(context, readAskedApart(query))
    return { body: { total: counts.distinct }, view: () => countView(key, counts, 'distinct') }
  },
}

export const allLinks: Endpoint = {
  path: '/links/all',
  title: 'Everything that links to a target',
  summary:
    'All sources at once, also those that no longer link. Not paged: for what many different records link to, use /links/sources.',
  group: 'older',
  errors: 'text',
  params: [targetParam],
  returns: '{"links":{"app.bsky.feed.like":{".subject.uri":{"records":40,"distinct_dids":39}}}}',
  async run(query, context) {
    const subject = readSubject(query, 'target')
    const target = await context.findTarget(subject)
    const sources = await context.reader.sources(target)
    const body = bySource(sources, ({ records, distinct }) => ({ records, distinct_dids: distinct }))
    return { body, view: () => sourcesView(target, sources) }
  },
}

export const countAllLinks: Endpoint = {
  path: '/links/all/count',
  title: 'How many records link to a target, by source',
  summary: 'The same as /links/all without the numbers of accounts.',
  group: 'older',
  errors: 'text',
  params: [targetParam],
  returns: '{"links":{"app.bsky.feed.like":{".subject.uri":40}}}',
  async run(query, context) {
    const subject = readSubject(query, 'target')
    const target = await context.findTarget(subject)
    const sources = await context.reader.sources(target)
    return { body: bySource(sources, ({ records }) => records), view: () => sourcesView(target, sources) }
  },
}

export const olderEndpoints = [links, distinctDids, countLinks, countDistinctDids, allLinks, countAllLinks]

function readAskedApart(query: QueryParams): Asked {
  return { subject: readSubject(query, 'target'), source: readCollectionAndPath(query) }
}

/** Sources as an object of objects: collection, path, and what is told of both. */
function bySource(
  sources: readonly SourceCounts[],
  tell: (counts: SourceCounts) => unknown,
): { links: object } {
  const collections = Map.groupBy(sources, ({ source }) => source.collection)
  // Entries make own keys of any text, also of `__proto__`.
  const byCollection = Object.fromEntries(
    Array.from(collections, ([collection, ofIt]) => [
      collection,
      Object.fromEntries(ofIt.map(counts => [counts.source.path, tell(counts)])),
    ]),
  )
  return { links: byCollection }
}
