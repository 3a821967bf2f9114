import { readDids } from '../params/dids.ts'
import { backlinksView, countView, didsView } from '../pages/lists.ts'
import { groupsView, joinView } from '../pages/joins.ts'
import type { Endpoint } from './endpoint.ts'
import { countOne, listBacklinks, listDids, listGroups, listJoin, readAsked, readJoin } from './lists.ts'
import {
  cursorParam,
  didsParam,
  limitParam,
  otherSubjectParam,
  pathToOtherParam,
  reverseParam,
  sinceParam,
  sourceParam,
  subjectParam,
  untilParam,
} from './params.ts'

const xrpc = (name: string): string => `/xrpc/blue.microcosm.links.${name}`

export const getBacklinks: Endpoint = {
  path: xrpc('getBacklinks'),
  title: 'Records that link to a subject',
  summary: 'Newest first: what the index took in last stands at the top.',
  group: 'xrpc',
  errors: 'json',
  params: [
    subjectParam,
    sourceParam,
    didsParam('did'),
    limitParam,
    reverseParam,
    sinceParam,
    untilParam,
    cursorParam,
  ],
  returns:
    '{"total":3,"records":[{"did":"did:plc:…","collection":"app.bsky.feed.like","rkey":"3l…"}],"cursor":"…"}',
  async run(query, context) {
    const filter = { dids: readDids(query, 'did'), reverse: query.boolean('reverse', false) }
    const list = await listBacklinks(query, context, readAsked(query), filter)
    const body = { total: list.total.records, records: list.items, cursor: list.cursor }
    return { body, view: () => backlinksView(list) }
  },
}

export const getBacklinksCount: Endpoint = {
  path: xrpc('getBacklinksCount'),
  title: 'How many records link to a subject',
  summary: 'Those of hidden accounts are counted too.',
  group: 'xrpc',
  errors: 'json',
  params: [subjectParam, sourceParam],
  returns: '{"total":42}',
  async run(query, context) {
    const { key, counts } = await countOne(context, readAsked(query))
    return { body: { total: counts.records }, view: () => countView(key, counts, 'records') }
  },
}

export const getBacklinkDids: Endpoint = {
  path: xrpc('getBacklinkDids'),
  title: 'Accounts that link to a subject',
  summary: 'Each once, those that came to it last first.',
  group: 'xrpc',
  errors: 'json',
  params: [subjectParam, sourceParam, limitParam, cursorParam],
  returns: '{"total":2,"linking_dids":["did:plc:…"],"cursor":null}',
  async run(query, context) {
    const list = await listDids(query, context, readAsked(query))
    const body = { total: list.total, linking_dids: list.items, cursor: list.cursor }
    return { body, view: () => didsView(list) }
  },
}

export const getManyToMany: Endpoint = {
  path: xrpc('getManyToMany'),
  title: 'What else the linking records link to',
  summary:
    'Records that link to the subject, each paired with what it links to at another path, such as the lists that an account is on. Oldest first.',
  group: 'xrpc',
  errors: 'json',
  params: [
    subjectParam,
    sourceParam,
    pathToOtherParam,
    didsParam('linkDid'),
    otherSubjectParam,
    limitParam,
    cursorParam,
  ],
  returns:
    '{"items":[{"linkRecord":{"did":"did:plc:…","collection":"app.bsky.graph.listitem","rkey":"3l…"},"otherSubject":"at://…"}],"cursor":null}',
  async run(query, context) {
    const list = await listJoin(context, readJoin(query, 'linkDid'))
    const items = list.items.map(({ record, otherTarget }) => ({
      linkRecord: record,
      otherSubject: otherTarget,
    }))
    return { body: { items, cursor: list.cursor }, view: () => joinView(list) }
  },
}

export const getManyToManyCounts: Endpoint = {
  path: xrpc('getManyToManyCounts'),
  title: 'How often the linking records link to something else',
  summary:
    'Records that link to the subject, counted by what they link to at another path. A record counts for the first such link alone. The order is stable, and means nothing.',
  group: 'xrpc',
  errors: 'json',
  params: [
    subjectParam,
    sourceParam,
    pathToOtherParam,
    didsParam('did'),
    otherSubjectParam,
    limitParam,
    cursorParam,
  ],
  returns: '{"counts_by_other_subject":[{"subject":"at://…","total":2,"distinct":1}],"cursor":null}',
  async run(query, context) {
    const list = await listGroups(context, readJoin(query, 'did'))
    const groups = list.items.map(({ otherTarget, records, distinct }) => ({
      subject: otherTarget,
      total: records,
      distinct,
    }))
    return { body: { counts_by_other_subject: groups, cursor: list.cursor }, view: () => groupsView(list) }
  },
}

export const xrpcEndpoints = [
  getBacklinks,
  getBacklinksCount,
  getBacklinkDids,
  getManyToMany,
  getManyToManyCounts,
]
