import { breakable, formatCount, type Html, html, numbers, table } from '@orrery/server'
import { limits } from '../params/limits.ts'
import type { Counts, ListKey, RecordKey } from '../store.ts'
import { didHtml, listHrefs, recordHtml, sourceHtml, sourcesHref, targetHtml } from './hrefs.ts'

// The pages of one list: who links to a target from a source.

/** What a page says where a part of a list has nothing to show. */
export const emptyPage =
  'Nothing on this page. Links of hidden accounts are counted and not shown; there may be more on the next page.'

/** Rows of one page at most: what has no pages may be as long as a stranger makes it. */
export const maxRows = limits.page.max

/** What a page says where it has more to show than it may. */
export function leftOut(count: number): Html | false {
  return (
    count > maxRows &&
    html`<p class="lead">
      The first ${formatCount(maxRows)} of ${formatCount(count)}. All of them are in the JSON.
    </p>`
  )
}

export function backlinksView(list: {
  key: ListKey
  items: readonly RecordKey[]
  total: Counts
  cursor: string | null
}): Html {
  const rows = list.items.map(record => [
    didHtml(record.did),
    html`<code>${breakable(record.collection)}</code>`,
    recordHtml(record),
  ])
  return html`${about(list.key)}
  ${numbers([
    ['links', list.total.records],
    ['accounts', list.total.distinct],
  ])}
  ${table([{ title: 'account' }, { title: 'collection' }, { title: 'record' }], rows, emptyText(list))}`
}

export function didsView(list: {
  key: ListKey
  items: readonly string[]
  total: number
  cursor: string | null
}): Html {
  return html`${about(list.key)} ${numbers([['accounts', list.total]])}
  ${table(
    [{ title: 'account' }],
    list.items.map(did => [didHtml(did)]),
    emptyText(list),
  )}`
}

export function countView(key: ListKey, { records, distinct }: Counts, asked: keyof Counts): Html {
  const [first, second] =
    asked === 'records'
      ? [html`${formatCount(records)}`, html`links, by ${formatCount(distinct)} accounts`]
      : [html`${formatCount(distinct)}`, html`accounts, with ${formatCount(records)} links`]
  return html`${about(key)}
    <p class="big">${first}</p>
    <p class="lead">${second}</p>`
}

/** What the list is of, and what else can be asked of it. */
export function about(key: ListKey): Html {
  const hrefs = listHrefs(key)
  return html`<p>${sourceHtml(key.source)} → ${targetHtml(key.target)}</p>
    <ul class="links">
      <li><a href="${hrefs.links}">records</a></li>
      <li><a href="${hrefs.dids}">accounts</a></li>
      <li><a href="${hrefs.count}">count of records</a></li>
      <li><a href="${hrefs.accounts}">count of accounts</a></li>
      <li><a href="${sourcesHref(key.target)}">all sources of the target</a></li>
    </ul>`
}

export function emptyText({ cursor }: { cursor: string | null }): string {
  return cursor === null ? 'Nothing to show.' : emptyPage
}
