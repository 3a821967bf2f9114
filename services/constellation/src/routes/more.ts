import { atUriParts, formatSource, isDid, normaliseTarget } from '@orrery/links'
import { isCollection, tryParsePath } from '@orrery/repo'
import { invalidParameter, type QueryParams } from '@orrery/server'
import { formatCursor, parseCursor, readCursorText, sourcesCursor, targetsCursor } from '../cursor.ts'
import { readDid, unique } from '../params/dids.ts'
import { limits } from '../params/limits.ts'
import { readSubject } from '../params/subject.ts'
import { forwardView } from '../pages/forward.ts'
import { sourcesView, targetsView } from '../pages/sources.ts'
import type { RecordKey, SourceCounts } from '../store.ts'
import type { Endpoint, EndpointContext } from './endpoint.ts'
import { readLimit } from './lists.ts'
import { cursorParam, limitParam, targetParam } from './params.ts'

// What the first server has no route for.

export const sources: Endpoint = {
  path: '/links/sources',
  title: 'Where links to a target come from',
  summary: 'Most records first. Sources that no longer link are left out.',
  group: 'more',
  errors: 'json',
  params: [
    targetParam,
    {
      name: 'exclude',
      kind: 'list',
      summary: `Leaves this collection out. Repeat it for several, up to ${limits.excluded}.`,
      example: 'app.bsky.graph.block',
    },
    limitParam,
    cursorParam,
  ],
  returns:
    '{"target":"at://…","sources":[{"source":"app.bsky.feed.like:subject.uri","records":40,"distinct":39}],"cursor":null}',
  async run(query, context) {
    const subject = readSubject(query, 'target')
    const excludedCollections = readExcluded(query)
    const limit = readLimit(query)
    const cursor = readCursorText(query, true)
    const target = await context.findTarget(subject)
    const bound = { target, excludedCollections }
    const after = parseCursor(sourcesCursor, bound, cursor)
    const page = await context.reader.sourcesByCount(target, { limit, after, excludedCollections })
    const body = {
      target,
      sources: page.items.map(formatSourceCounts),
      cursor: formatCursor(sourcesCursor, bound, page.next),
    }
    return { body, view: () => sourcesView(target, page.items) }
  },
}

export const account: Endpoint = {
  path: '/links/account',
  title: 'What of an account is linked to',
  summary:
    'Its DID and every record under it, whether that still exists or not, with what links there. In an order that stays, the sources of a target together.',
  group: 'more',
  errors: 'json',
  params: [
    {
      name: 'did',
      kind: 'text',
      required: true,
      summary: 'The account that is linked to.',
      example: 'did:plc:z72i7hdynmk6r22z27h6tvur',
    },
    limitParam,
    cursorParam,
  ],
  returns:
    '{"did":"did:plc:…","targets":[{"target":"at://…","source":"app.bsky.feed.like:subject.uri","records":40,"distinct":39}],"cursor":null}',
  async run(query, context) {
    const did = readDid(query, 'did')
    const limit = readLimit(query)
    const after = parseCursor(targetsCursor, { did }, readCursorText(query, true))
    const page = await context.reader.accountTargets(did, { limit, after })
    const targets = page.items.map(item => ({ target: item.target, ...formatSourceCounts(item) }))
    const body = { did, targets, cursor: formatCursor(targetsCursor, { did }, page.next) }
    return { body, view: () => targetsView(did, page.items) }
  },
}

export const forward: Endpoint = {
  path: '/links/forward',
  title: 'What a record links to',
  summary:
    'In the order of the record. Nothing where it holds no links, is not known, or its account is hidden.',
  group: 'more',
  errors: 'json',
  params: [
    {
      name: 'uri',
      kind: 'text',
      required: true,
      summary: 'The at-uri of the record.',
      example: 'at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l',
    },
  ],
  returns: '{"uri":"at://…","links":[{"path":".reply.root.uri","target":"at://…"}]}',
  async run(query, context) {
    const record = await readRecord(query, context)
    const uri = `at://${record.did}/${record.collection}/${record.rkey}`
    const found = await context.reader.forward(record)
    return { body: { uri, links: found }, view: () => forwardView(record, found) }
  },
}

export const moreEndpoints = [sources, account, forward]

function formatSourceCounts({ source, records, distinct }: SourceCounts): object {
  return { source: formatSource(source.collection, source.path), records, distinct }
}

function readExcluded(query: QueryParams): string[] {
  const excluded = unique(query.list('exclude'), 'exclude', limits.excluded)
  for (const collection of excluded) {
    if (!isCollection(collection)) {
      throw invalidParameter('exclude', 'must be an NSID, such as app.bsky.graph.block')
    }
  }
  return excluded.toSorted()
}

async function readRecord(query: QueryParams, { resolveHandle }: EndpointContext): Promise<RecordKey> {
  const uri = normaliseTarget(readSubject(query, 'uri')) ?? ''
  const { authority = '', collection = '', rkey = '' } = atUriParts(uri) ?? {}
  const path = tryParsePath(`${collection}/${rkey}`)
  if (!path || uri !== `at://${authority}/${collection}/${rkey}`) {
    throw invalidParameter('uri', 'must be the at-uri of a record, at://did/collection/rkey')
  }
  const did = isDid(authority) ? authority : await resolveHandle?.(authority)
  if (did === undefined) {
    throw invalidParameter(
      'uri',
      `names its account by ${JSON.stringify(authority.slice(0, 80))}, which cannot be resolved here; use its DID`,
    )
  }
  return { did, ...path }
}
